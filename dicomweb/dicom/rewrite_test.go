package dicom_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
)

// modelOf is the data set in the JSON model, with all its values, by attribute.
func modelOf(t *testing.T, f *dicom.File) map[string]string {
	t.Helper()
	text, _ := f.AppendJSON(nil, dicom.JSONOptions{Inline: 1 << 30})
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatalf("%v in %.200s", err, text)
	}
	all := map[string]string{}
	for name, v := range raw {
		all[name] = string(v)
	}
	delete(all, "00080005") // the character set is another
	return all
}

// TestRewriteKeeps: what is not to be changed reads the same afterwards, whatever
// its transfer syntax and its character set.
func TestRewriteKeeps(t *testing.T) {
	t.Parallel()
	n := 0
	for _, name := range append(testdata(t, "transfer-syntaxes"), testdata(t, "charsets")...) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := dicom.Read(bytes.NewReader(b), dicom.Options{})
		if err != nil {
			continue
		}
		n++
		class, instance := f.String(dicom.SOPClassUID), f.String(dicom.SOPInstanceUID)
		var out bytes.Buffer
		syntax, err := dicom.Rewrite(&out, bytes.NewReader(b), dicom.Limits{}, dicom.Edit{Class: class, Instance: instance,
			Set: []byte(`{"00081030":{"vr":"LO","Value":["右股骨"]},"00041510":{"vr":"UI"}}`)})
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(name), err)
			continue
		}
		got := read(t, out.Bytes())
		if got.Syntax.UID != syntax.UID || f.Syntax.Encapsulated && syntax.UID != f.Syntax.UID || got.String(dicom.MediaSOPInstance) != instance {
			t.Errorf("%s: %s became %s of %s", filepath.Base(name), f.Syntax.UID, got.Syntax.UID, got.String(dicom.MediaSOPInstance))
		}
		want, have := modelOf(t, f), modelOf(t, got)
		want["00081030"], want["00041510"] = `{"vr":"LO","Value":["右股骨"]}`, `{"vr":"UI"}`
		for tag, v := range want {
			if strings.HasPrefix(tag, "FFFC") || strings.HasSuffix(tag, "0000") {
				continue // padding and group lengths are left out
			}
			if have[tag] != v {
				t.Errorf("%s: %s = %.120s, want %.120s", filepath.Base(name), tag, have[tag], v)
			}
			delete(have, tag)
		}
		if len(have) > 0 {
			t.Errorf("%s: %d attributes came in", filepath.Base(name), len(have))
		}
	}
	if n < 20 {
		t.Errorf("only %d samples were rewritten", n)
	}
}

// TestRewriteDrops: what is to be left out is, inside items too.
func TestRewriteDrops(t *testing.T) {
	t.Parallel()
	file, _, err := composed(t, `{`+identity+`,"00100010":{"vr":"PN","Value":[{"Alphabetic":"Wang"}]},"00081140":{"vr":"SQ","Value":[{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Wang"}]},"00081155":{"vr":"UI","Value":["1.2"]}},{}]}}`, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := dicom.Rewrite(&out, bytes.NewReader(file), dicom.Limits{}, dicom.Edit{Class: "1.2", Instance: "1.3", Drop: func(t dicom.Tag) bool { return t == dicom.PatientName }}); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out.Bytes(), []byte("Wang")) {
		t.Error("a name that is dropped is still there")
	}
	if got := modelOf(t, read(t, out.Bytes()))["00081140"]; got != `{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2"]}},{}]}` {
		t.Errorf("the sequence is %s", got)
	}
}

// FuzzRewrite checks that no file panics, and that what is rewritten can be read.
func FuzzRewrite(f *testing.F) {
	file, _, err := composed(f, `{`+identity+`,"00100010":{"vr":"PN","Value":[{"Alphabetic":"Wang"}]},"00081140":{"vr":"SQ","Value":[{},{}]}}`, nil, "")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		var out bytes.Buffer
		if _, err := dicom.Rewrite(&out, bytes.NewReader(b), dicom.Limits{}, dicom.Edit{Class: "1.2", Instance: "1.3", Set: []byte(`{"00100020":{"vr":"LO","Value":["P"]}}`),
			Drop: func(t dicom.Tag) bool { return t.Group() == 0x0008 }}); err != nil {
			return
		}
		got, err := dicom.Read(bytes.NewReader(out.Bytes()), dicom.Options{})
		if err != nil {
			t.Fatalf("what was rewritten cannot be read: %v", err)
		}
		if got.String(dicom.PatientID) != "P" || got.String(0x00080060) != "" {
			t.Errorf("Patient ID %q, modality %q", got.String(dicom.PatientID), got.String(0x00080060))
		}
	})
}
