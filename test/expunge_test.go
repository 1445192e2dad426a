package test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/server/app"
	"tenon/test/servertest"
)

// erased is a record on disk of which one resource and its file were erased.
func erased(t *testing.T) (e *evidence, ref, certificate string) {
	t.Helper()
	s := servertest.Start(t, app.Config{Dev: true})
	e = &evidence{data: s.Config.Data}
	admin := func() string {
		return s.Create(t, "", fmt.Sprintf(`{"resourceType":"PractitionerRole","active":true,"practitioner":{"reference":%q},"organization":{"reference":%q},
			"code":[{"coding":[{"system":"urn:tenon:role","code":"ADMIN"}]}]}`, s.Create(t, "", `{"resourceType":"Practitioner","active":true}`),
			s.Create(t, "", `{"resourceType":"Organization","active":true,"name":"Hospital","type":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/organization-type","code":"prov"}]}]}`)))
	}
	second := s.Token(t, admin())
	content := bytes.Repeat([]byte("the body of Wang "), 5000)
	file := s.Expect(t, 201, servertest.Request{Token: second, Method: "POST", Path: "/fhir/Binary", Body: content, Header: map[string]string{"Content-Type": "model/stl"}}).Ref()
	s.Create(t, "", `{"resourceType":"Patient","name":[{"family":"Stays"}]}`)
	s.Expect(t, 204, servertest.Request{Token: second, Method: "DELETE", Path: "/fhir/" + file})
	task := s.Expect(t, 202, servertest.Request{Method: "POST", Path: "/fhir/" + file + "/$expunge",
		Body: []byte(`{"resourceType":"Parameters","parameter":[{"name":"reason","valueString":"wrong person"}]}`)})
	answer := s.Expect(t, 200, servertest.Request{Token: second, Method: "POST", Path: "/fhir/" + file + "/$expunge",
		Body: []byte(`{"resourceType":"Parameters","parameter":[{"name":"request","valueReference":{"reference":"` + task.Ref() + `"}}]}`)})
	_, rest, _ := strings.Cut(string(answer.Body), `"reference":"Binary/`)
	certificate, _, _ = strings.Cut(rest, `"`)
	e.after = trust(t, s.App)
	s.Stop(t)
	return e, file, "Binary/" + certificate
}

// TestErased: the log still holds after an erasure, which is told with its
// certificate; an erasure that nobody certified is found.
func TestErased(t *testing.T) {
	t.Parallel()
	e, ref, certificate := erased(t)
	t.Run("R000-015 the proof stays", func(t *testing.T) {
		r, c := e.copied(t).verified(t, e.after)
		if r.Exit() != 0 || r.Erased != 2 || len(c.Findings) > 0 {
			t.Errorf("exit %d, %d erased, check %v\n%v", r.Exit(), r.Erased, c.Findings, r)
		}
		if !strings.Contains(r.String(), "2 versions and contents were erased by certificate "+certificate+"/_history/1") {
			t.Errorf("the report does not name the certificate:\n%v", r)
		}
	})
	t.Run("nothing of it is on disk", func(t *testing.T) {
		digest := base64.StdEncoding.EncodeToString([]byte("the body of Wang "))
		err := filepath.WalkDir(e.data, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			body, err := os.ReadFile(path)
			for _, what := range []string{"the body of Wang", strings.TrimRight(digest, "="), `"contentType":"model/stl"`} {
				if bytes.Contains(body, []byte(what)) {
					t.Errorf("%s still has %q", filepath.Base(path), what)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	id := strings.TrimPrefix(ref, "Binary/")
	for _, c := range []struct {
		name  string
		forge func(t *testing.T, e *evidence)
		want  string
	}{
		{"an erasure without an entry", func(t *testing.T, e *evidence) { e.sql(t, "DELETE FROM erasure WHERE ref = ?", ref+"/_history/1") }, "changed version " + ref + "/_history/1:"},
		{"a content without an entry", func(t *testing.T, e *evidence) { e.sql(t, "DELETE FROM erasure WHERE ref LIKE 'sha-256/%'") }, "missing blob sha-256/"},
		{"another certificate", func(t *testing.T, e *evidence) {
			e.sql(t, "UPDATE erasure SET certificate = 'Binary/none/_history/1' WHERE ref = ?", ref+"/_history/1")
		}, "missing version " + ref + "/_history/1:"},
		{"the certificate deleted", func(t *testing.T, e *evidence) {
			e.sql(t, "DELETE FROM resource WHERE type = 'Binary' AND id = ?", strings.TrimPrefix(certificate, "Binary/"))
		}, "missing version " + certificate + "/_history/1:"},
		{"another leaf", func(t *testing.T, e *evidence) {
			e.sql(t, "UPDATE leaf SET hash = zeroblob(32) WHERE ref = ?", ref+"/_history/1")
		}, "changed version " + ref + "/_history/1:"},
		{"the leaf gone", func(t *testing.T, e *evidence) { e.sql(t, "DELETE FROM leaf WHERE ref = ?", ref+"/_history/1") }, "missing log"},
		{"bytes come back", func(t *testing.T, e *evidence) {
			e.sql(t, "UPDATE history SET body = X'7B7D' WHERE version = 1 AND "+idOf, "Binary", id)
		}, "changed version " + ref + "/_history/1:"},
		{"the row gone", func(t *testing.T, e *evidence) {
			e.sql(t, "DELETE FROM history WHERE version = 1 AND "+idOf, "Binary", id)
		}, "missing version " + ref + "/_history/1:"},
		{"something else said to be erased", func(t *testing.T, e *evidence) {
			e.sql(t, "INSERT INTO erasure SELECT tenant, 'Patient/' || id || '/_history/1', ? FROM resource WHERE type = 'Patient' LIMIT 1", certificate+"/_history/1")
			e.sql(t, "UPDATE resource SET body = X'', salt = zeroblob(16), deleted = 1 WHERE type = 'Patient'")
		}, "missing version Patient/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			copied := e.copied(t)
			c.forge(t, copied)
			r, _ := copied.verified(t, e.after)
			if r.Exit() != 1 || !named(r, c.want) {
				t.Errorf("exit %d, want a finding %q\n%v", r.Exit(), c.want, r)
			}
		})
	}
}
