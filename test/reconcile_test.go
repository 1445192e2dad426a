package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	writing "tenon/server/record"
	"tenon/test/servertest"
)

// reconciled exports what a party reaches, and compares that replica with the
// server: by $reconcile, and by the command line for the first party.
func (s *scene) reconciled(t *testing.T) {
	for _, party := range []string{"hosp-chen", "mfr-xu"} {
		token := s.token(party)
		m, found := (&town{Server: s.Server}).export(t, token, "GET", "/fhir/$export", "")
		var replica []string
		for _, typ := range found {
			replica = append(replica, typ...)
		}
		slices.Sort(replica)
		until := m.TransactionTime.UTC().Format(time.RFC3339Nano)
		compare := func(t *testing.T, want string, replica []string) {
			t.Helper()
			a := s.Expect(t, 200, servertest.Request{Token: token, Method: "POST", Path: "/fhir/$reconcile?until=" + until, Body: manifestOf(t, replica), Header: map[string]string{"Content-Type": "application/fhir+ndjson"}})
			if got := differences(t, a.Body); got != want {
				t.Errorf("$reconcile = %s, want %s", got, want)
			}
		}
		at := slices.IndexFunc(replica, func(l string) bool {
			return strings.Contains(l, `"resourceType":"Task"`) || strings.Contains(l, `"resourceType": "Task"`)
		})
		if at < 0 || len(replica) < 50 {
			t.Fatalf("%s is exported %d resources, no Task among them", party, len(replica))
		}
		kept, err := writing.KeptOf([]byte(replica[at]))
		if err != nil {
			t.Fatal(err)
		}
		t.Run("R001-138 "+party+": the replica of an export does not differ", func(t *testing.T) { compare(t, "0", replica) })
		t.Run("R001-138 "+party+": a record that is missing", func(t *testing.T) {
			compare(t, "1 missing "+kept.Reference, slices.Delete(slices.Clone(replica), at, at+1))
		})
		t.Run("R001-138 "+party+": a record too many", func(t *testing.T) {
			compare(t, "1 extra Patient/nobody", append(slices.Clone(replica), `{"resourceType":"Patient","id":"nobody","meta":{"versionId":"1"}}`))
		})
		t.Run("R001-138 "+party+": one letter of a record", func(t *testing.T) {
			flipped := slices.Clone(replica)
			flipped[at] = strings.Replace(flipped[at], `"status":"`, `"status":"x`, 1)
			compare(t, "1 other "+kept.Reference, flipped)
		})
		t.Run("R001-138 "+party+": another version", func(t *testing.T) {
			older := slices.Clone(replica)
			older[at] = strings.Replace(older[at], `"versionId":"`, `"versionId":"9`, 1)
			compare(t, "1 other "+kept.Reference, older)
		})
		if party == "hosp-chen" {
			t.Run("R001-138 tenon reconcile", func(t *testing.T) { s.reconcilesByCommand(t, token, until, replica, kept.Reference) })
		}
	}
	t.Run("R001-138 a stranger is told of nothing of the case", func(t *testing.T) {
		a := s.Expect(t, 200, servertest.Request{Token: s.token("des-rival"), Path: "/fhir/$reconcile"})
		if strings.Contains(string(a.Body), s.root) || strings.Contains(string(a.Body), s.patient) {
			t.Error("the manifest of a stranger names the case")
		}
	})
	t.Run("R001-138 what is no manifest", func(t *testing.T) {
		for _, bad := range []string{"x", `{"reference":"Patient/1"}`, `{"reference":"1","version":"1","digest":"00"}`, strings.Repeat(strings.TrimSpace(string(manifestOf(t, []string{`{"resourceType":"Patient","id":"a"}`})))+"\n", 2), strings.Repeat("x", 9000)} {
			s.Expect(t, 400, servertest.Request{Token: s.token("mfr-xu"), Method: "POST", Path: "/fhir/$reconcile", Body: []byte(bad), Header: map[string]string{"Content-Type": "application/fhir+ndjson"}})
		}
		for _, bad := range []string{"?until=soon", "?x=1", "?until=2026-01-01T00:00:00Z&until=2026-01-01T00:00:00Z", "?_type=Nothing"} {
			s.Expect(t, 400, servertest.Request{Token: s.token("mfr-xu"), Path: "/fhir/$reconcile" + bad})
		}
	})
}

// manifestOf is the manifest of a replica.
func manifestOf(t *testing.T, replica []string) []byte {
	t.Helper()
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	for _, line := range replica {
		k, err := writing.KeptOf([]byte(line))
		if err == nil {
			err = lines.Encode(k)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// differences is what $reconcile answers: how many, and which.
func differences(t *testing.T, body []byte) string {
	t.Helper()
	var p struct {
		Parameter []struct {
			Name         string
			ValueInteger int
			ValueString  string
		}
	}
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, one := range p.Parameter {
		if one.Name == "difference" {
			got = fmt.Sprint(one.ValueInteger)
		}
		if one.ValueString != "" {
			got += " " + one.Name + " " + one.ValueString
		}
	}
	return got
}

// reconcilesByCommand does the same by the command line, from a URL and from the
// file of a manifest.
func (s *scene) reconcilesByCommand(t *testing.T, token, until string, replica []string, changed string) {
	dir := t.TempDir()
	file, manifest := filepath.Join(dir, "replica.ndjson"), filepath.Join(dir, "manifest")
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(from string, status int, want string) {
		t.Helper()
		c := exec.Command(binary(t), "reconcile", "--token", token, "--until", until, from, file)
		out, err := c.CombinedOutput()
		if code(err) != status && !(status == 0 && err == nil) || !strings.Contains(string(out), want) {
			t.Errorf("tenon reconcile %s = %v %.500s, want %d %s", from, err, out, status, want)
		}
	}
	write(file, []byte(strings.Join(replica, "")))
	write(manifest, s.Expect(t, 200, servertest.Request{Token: token, Path: "/fhir/$reconcile?until=" + until}).Body)
	run(s.URL+"/fhir", 0, "difference 0")
	run(manifest, 0, "difference 0")
	at := slices.IndexFunc(replica, func(l string) bool { k, _ := writing.KeptOf([]byte(l)); return k.Reference == changed })
	write(file, []byte(strings.Join(slices.Delete(slices.Clone(replica), at, at+1), "")))
	run(manifest, 1, "missing "+changed)
}
