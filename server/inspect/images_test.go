package inspect_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/geometry"
	"tenon/dicomweb/sample"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/dispatch"
	"tenon/server/inspect"
	"tenon/server/record"
	"tenon/server/search"
)

// archive holds the headers of a study.
type archive map[string]*geometry.Header

func (a archive) headers(_ context.Context, who *access.Context, _ string, do func(*geometry.Header) error) error {
	if who == nil || who.Kind != access.Server {
		return errors.New("only the server measures")
	}
	for _, h := range a {
		if err := do(h); err != nil {
			return err
		}
	}
	return nil
}

func phantom(t *testing.T, without ...int) archive {
	t.Helper()
	series := sample.New(sample.Options{})
	held := archive{}
	for i := range series.Len() {
		if slices.Contains(without, i) {
			continue
		}
		file := series.Slice(i)
		f, err := dicom.Read(bytes.NewReader(file), dicom.Options{StopAtPixels: true})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := f.AppendJSON(nil, dicom.JSONOptions{})
		held[series.InstanceUID(i)] = &geometry.Header{Instance: series.InstanceUID(i), Digest: sha256.Sum256(file), Metadata: text}
	}
	return held
}

// study stores an ImagingStudy and gives the jobs that it asks for.
func (l *lab) study(extension string) (*record.Version, []dispatch.Message) {
	l.t.Helper()
	body := fmt.Appendf(nil, `{"resourceType":"ImagingStudy",%s"status":"available","identifier":[{"system":"urn:dicom:uid","value":"urn:oid:1.2.3"}],"subject":{"display":"x"}}`, extension)
	out, err := l.Submit(l.t.Context(), operator, &record.Draft{Door: "fhir", Ops: []record.Op{{Method: "POST", Type: "ImagingStudy", Body: body}}})
	if err != nil {
		l.t.Fatal(err)
	}
	due, err := l.store.Claim(l.t.Context(), 10, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	return out.Results[0].Version, due
}

const ofCase = `"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":"Task/root"}}],`

// components are the values by code of the Observations about a study.
func (l *lab) components(study string) (all []map[string]string, sha string) {
	l.t.Helper()
	page, _, err := l.Search(l.t.Context(), operator, "Observation", []search.Param{{Name: "derived-from", Value: study}}, true)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, hit := range page.Hits {
		doc, err := tree.Parse(hit.Body)
		if err != nil {
			l.t.Fatal(err)
		}
		values := map[string]string{}
		for c := range doc.Root().Field("component").Items() {
			values[c.Path("code", "coding", "code").Str()] += c.Field("valueInteger").Text() + c.Path("valueQuantity", "value").Text() + c.Field("valueString").Text()
		}
		for e := range doc.Root().Field("extension").Items() {
			if e.Field("url").Str() == "urn:tenon:extension:sha-256" {
				sha = e.Field("valueString").Str()
			}
		}
		all = append(all, values)
	}
	return all, sha
}

func TestImages(t *testing.T) {
	t.Run("R001-097 R001-098 measured from the headers, once, over the version and the files", func(t *testing.T) {
		l := newLab(t)
		v, due := l.study(ofCase)
		if len(due) != 1 {
			t.Fatalf("%d jobs, want 1", len(due))
		}
		held := phantom(t, 3)
		sink := &inspect.Images{Recorder: l.Recorder, Headers: held.headers}
		for range 2 {
			if err := sink.Deliver(t.Context(), due[0]); err != nil {
				t.Fatal(err)
			}
		}
		all, sha := l.components("ImagingStudy/" + v.ID)
		if len(all) != 1 {
			t.Fatalf("%d measurements, want 1", len(all))
		}
		var uids []string
		for uid := range held {
			uids = append(uids, uid)
		}
		slices.Sort(uids)
		files := sha256.New()
		for _, uid := range uids {
			d := held[uid].Digest
			files.Write(d[:])
		}
		for code, want := range map[string]string{"instances": "7", "images": "7", "missing-slices": "1", "slice-thickness": "1", "slice-spacing": "2", "pixel-spacing": "3.5", "gantry-tilt": "0",
			"kernel": "BONE", "site": "HEAD", "modality": "CT", "lossy": "0", "derived": "0", "burned-in": "0", "not-rescaled": "0", "unread": "0", "files": hex.EncodeToString(files.Sum(nil))} {
			if strings.Trim(all[0][code], `"`) != want {
				t.Errorf("%s = %s, want %s", code, all[0][code], want)
			}
		}
		if sha != hex.EncodeToString(v.Digest[:]) {
			t.Errorf("it is over the bytes %s, want %x", sha, v.Digest)
		}
	})
	t.Run("a header that holds no numbers is counted", func(t *testing.T) {
		l := newLab(t)
		v, due := l.study(ofCase)
		held := phantom(t)
		held["x"] = &geometry.Header{Instance: "x", Metadata: []byte(`{"00180050":{"Value":["thick"]}}`)}
		if err := (&inspect.Images{Recorder: l.Recorder, Headers: held.headers}).Deliver(t.Context(), due[0]); err != nil {
			t.Fatal(err)
		}
		if all, _ := l.components("ImagingStudy/" + v.ID); len(all) != 1 || all[0]["unread"] != "1" || all[0]["instances"] != "9" || all[0]["images"] != "8" {
			t.Errorf("measured %v", all)
		}
	})
	t.Run("of no case, or not stored here: nothing is measured", func(t *testing.T) {
		l := newLab(t)
		if _, due := l.study(""); len(due) != 0 {
			t.Errorf("%d jobs for a study of no case", len(due))
		}
		v, due := l.study(ofCase)
		if err := (&inspect.Images{Recorder: l.Recorder, Headers: archive{}.headers}).Deliver(t.Context(), due[0]); err != nil {
			t.Fatal(err)
		}
		if all, _ := l.components("ImagingStudy/" + v.ID); len(all) != 0 {
			t.Errorf("measured %v", all)
		}
	})
	t.Run("a newer version has a job of its own", func(t *testing.T) {
		l := newLab(t)
		v, due := l.study(ofCase)
		body := bytes.Replace(v.Body, []byte(`"available"`), []byte(`"cancelled"`), 1)
		if _, err := l.Submit(t.Context(), operator, &record.Draft{Door: "fhir", Ops: []record.Op{{Method: "PUT", Type: "ImagingStudy", ID: v.ID, Body: body}}}); err != nil {
			t.Fatal(err)
		}
		if err := (&inspect.Images{Recorder: l.Recorder, Headers: phantom(t).headers}).Deliver(t.Context(), due[0]); err != nil {
			t.Fatal(err)
		}
		if all, _ := l.components("ImagingStudy/" + v.ID); len(all) != 0 {
			t.Errorf("the old version was measured: %v", all)
		}
	})
	t.Run("failures for good", func(t *testing.T) {
		l := newLab(t)
		for _, body := range []string{`{`, `{"study":"gone"}`} {
			err := (&inspect.Images{Recorder: l.Recorder, Headers: archive{}.headers}).Deliver(t.Context(), dispatch.Message{Body: []byte(body)})
			if _, permanent := err.(*dispatch.Permanent); !permanent { //nolint:errorlint // the type itself
				t.Errorf("Deliver(%s) = %v, want a failure for good", body, err)
			}
		}
	})
}
