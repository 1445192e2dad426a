package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/sample"
)

// model is the metadata of a file for STOW-RS, its pixels as bulk data named uri.
func model(t testing.TB, file []byte, uri string) (metadata string, pixels []byte) {
	t.Helper()
	f, err := dicom.Read(bytes.NewReader(file), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := f.AppendJSON(nil, dicom.JSONOptions{Inline: 1 << 10, MaxBulk: 1, URI: "\x01"})
	metadata = strings.Replace(string(text), "\x017FE00010", uri, 1)
	return metadata, file[f.Pixels.Offset : f.Pixels.Offset+f.Pixels.Length]
}

const relatedModels = `multipart/related; type="application/dicom+json"; boundary=frontier`

// modelBody is a body of metadata and of parts: type and location, content.
func modelBody(metadata string, parts ...string) []byte {
	var b strings.Builder
	b.WriteString("--frontier\r\nContent-Type: application/dicom+json\r\n\r\n" + metadata + "\r\n")
	for i := 0; i < len(parts); i += 2 {
		typ, at, _ := strings.Cut(parts[i], " @ ")
		b.WriteString("--frontier\r\nContent-Type: " + typ + "\r\nContent-Location: " + at + "\r\n\r\n" + parts[i+1] + "\r\n")
	}
	b.WriteString("--frontier--\r\n")
	return []byte(b.String())
}

func (c *clinic) stowModels(t testing.TB, target string, body []byte) *answer {
	t.Helper()
	return c.do(t, "POST", target, body, "Content-Type", relatedModels)
}

// What comes as metadata and bulk data is what came as files: same metadata, same
// pixels.
func TestStowModels(t *testing.T) {
	s := ct(1, 2)
	var sets, parts []string
	for i := range s.Len() {
		uri := []string{"https://sender.example/pixels/1", "pixels-2"}[i]
		metadata, pixels := model(t, s.Slice(i), uri)
		sets, parts = append(sets, metadata), append(parts, "application/octet-stream @ "+uri, string(pixels))
	}
	files, models := open(t), open(t)
	files.stow(t, "/studies", filesOf(s)...)
	a := models.stowModels(t, "/studies", modelBody("["+strings.Join(sets, ",")+"]", parts...))
	if answer := a.object(t); a.StatusCode != 200 || len(answer.items(t, "00081199")) != 2 {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	path := "/studies/" + s.StudyUID
	compare := func(of string) (one, other string) {
		text := func(c *clinic) string { return strings.ReplaceAll(string(c.get(t, of).body), c.url, "") }
		return text(files), text(models)
	}
	for _, of := range []string{path + "/metadata", path + "/series", path + "/instances?includefield=all"} {
		one, other := compare(of)
		var x, y any
		if json.Unmarshal([]byte(one), &x) != nil || json.Unmarshal([]byte(other), &y) != nil || len(one) < 100 {
			t.Fatalf("%s: %s, %s", of, one, other)
		}
		one, other = strings.ReplaceAll(one, `"ISO_IR 100"`, `"ISO_IR 192"`), strings.ReplaceAll(other, `"ISO_IR 100"`, `"ISO_IR 192"`)
		if one != other {
			t.Errorf("%s of metadata and bulk data = %s\nwant %s", of, other, one)
		}
	}
	frame := path + "/series/" + s.SeriesUID + "/instances/" + s.InstanceUID(1) + "/frames/1"
	one, other := files.get(t, frame, "application/octet-stream"), models.get(t, frame, "application/octet-stream")
	if one.StatusCode != 200 || !bytes.Equal(one.body, other.body) {
		t.Errorf("the frame has %d bytes, want those of the file, %d", len(other.body), len(one.body))
	}
	t.Run("again is stored already", func(t *testing.T) {
		a := models.stowModels(t, path, modelBody("["+strings.Join(sets, ",")+"]", parts...))
		if a.StatusCode != 200 || len(models.drafts) != 1 {
			t.Errorf("status %d, %d drafts: %s", a.StatusCode, len(models.drafts), a.body)
		}
	})
}

// Each data set has its own outcome, with a warning where a value does not fit.
func TestStowModelsOutcomes(t *testing.T) {
	c := open(t)
	good, pixels := model(t, ct(1, 1).Slice(0), "p")
	unfit, _ := model(t, ct(2, 1).Slice(0), "p")
	unfit = strings.Replace(unfit, `"00280010":{"vr":"US","Value":[`, `"00280010":{"vr":"US","Value":["x",`, 1)
	lacking, _ := model(t, ct(3, 1).Slice(0), "nowhere")
	stranger, _ := model(t, sample.New(sample.Options{Seed: 4, Slices: 1, PatientID: "P-9"}).Slice(0), "p")
	body := modelBody("["+strings.Join([]string{good, unfit, lacking, stranger, `{"00100010":{"vr":"PN"}}`}, ",")+"]", "application/octet-stream @ p", string(pixels))
	a := c.stowModels(t, "/studies", body)
	answer := a.object(t)
	stored, failed, unnamed := answer.items(t, "00081199"), answer.items(t, "00081198"), answer.items(t, "0008119A")
	if a.StatusCode != 202 || len(stored) != 2 || len(failed) != 2 || len(unnamed) != 1 {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	if stored[0].value("00081196") != "" || stored[1].value("00081196") != "45063" {
		t.Errorf("warnings %q, %q, want none and B007H", stored[0].value("00081196"), stored[1].value("00081196"))
	}
	for i, want := range []string{"49152", "43264"} {
		if got := failed[i].value("00081197"); got != want {
			t.Errorf("failure reason %d = %s, want %s", i, got, want)
		}
	}
	if len(c.instances) != 2 {
		t.Errorf("%d instances are stored, want 2", len(c.instances))
	}
}

func TestStowModelsRefuses(t *testing.T) {
	good, pixels := model(t, ct(1, 1).Slice(0), "p")
	whole := modelBody(good, "application/octet-stream @ p", string(pixels))
	for name, tc := range map[string]struct {
		contentType string
		body        []byte
		status      int
	}{
		"R000-014 a part of another type": {relatedModels, modelBody(good, "image/png @ p", "x"), 415},
		"R000-014 another coding":         {relatedModels, modelBody(good, "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.2 @ p", "x"), 415},
		"a part without location":         {relatedModels, modelBody(good, "application/octet-stream", "x"), 400},
		"two parts of one location":       {relatedModels, modelBody(good, "application/octet-stream @ p", "x", "application/octet-stream @ p", "y"), 400},
		"a body that breaks off":          {relatedModels, whole[:len(whole)-40], 400},
		"metadata that break off":         {relatedModels, whole[:200], 400},
		"no JSON":                         {relatedModels, modelBody("{", "application/octet-stream @ p", "x"), 400},
		"no boundary":                     {`multipart/related; type="application/dicom+json"`, whole, 400},
		"nothing":                         {"application/dicom+json", []byte("[]"), 400},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t)
			if a := c.do(t, "POST", "/studies", tc.body, "Content-Type", tc.contentType); a.StatusCode != tc.status || len(c.instances) > 0 {
				t.Errorf("status %d, want %d, and %d instances: %s", a.StatusCode, tc.status, len(c.instances), a.body)
			}
		})
	}
	t.Run("a JPEG beside its metadata", func(t *testing.T) {
		c := open(t)
		a := c.stowModels(t, "/studies", modelBody(good, `image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.70 @ p`, "\xff\xd8\xff\xd9"))
		if a.StatusCode != 200 {
			t.Fatalf("status %d: %s", a.StatusCode, a.body)
		}
		for _, i := range c.instances {
			if i.TransferSyntax != "1.2.840.10008.1.2.4.70" {
				t.Errorf("transfer syntax %s", i.TransferSyntax)
			}
		}
	})
	t.Run("metadata alone, without pixels", func(t *testing.T) {
		c := open(t)
		set := strings.Replace(good, `"BulkDataURI":"p"`, `"InlineBinary":"AAA="`, 1)
		if a := c.do(t, "POST", "/studies", []byte(set), "Content-Type", "application/dicom+json"); a.StatusCode/100 != 2 || len(c.instances) != 1 {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	})
}
