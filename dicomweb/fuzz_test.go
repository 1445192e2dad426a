package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tenon/dicomweb"
	"tenon/dicomweb/sample"
	"tenon/server/access"
)

// door is the door on a house, without a server.
func door(h *house) *dicomweb.Door {
	return dicomweb.New(dicomweb.Options{Records: h, Index: imaging{h}, Blobs: h, Auditor: h,
		Caller:      func(*http.Request) (*access.Context, error) { return operator, nil },
		MaxInstance: 1 << 20, MaxParts: 100})
}

func tiny(seed int64) []byte {
	return sample.New(sample.Options{Seed: seed, Slices: 1, Rows: 2, Columns: 2, PatientID: "P-1"}).Slice(0)
}

// FuzzStow checks that no body panics or is stored without being told, and that
// the answer is JSON with the status of its content.
func FuzzStow(f *testing.F) {
	f.Add(related, multipartBody(tiny(1), tiny(2)))
	f.Add(related, multipartBody(tiny(1), tiny(1)))
	f.Add("application/dicom", tiny(1))
	f.Add(`multipart/related; type="application/dicom"; boundary="a b"`, []byte("--a b\r\n\r\n"))
	f.Add(related, bytes.Replace(multipartBody(tiny(1)), []byte("2.25."), []byte("2..5."), -1))
	h := newHouse()
	d := door(h)
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		h.empty()
		r := httptest.NewRequest("POST", "/studies", bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("status %d: %q", w.Code, w.Body.Bytes())
		}
		if w.Code >= 500 {
			t.Fatalf("status %d: %s", w.Code, w.Body.Bytes())
		}
		if told := strings.Count(w.Body.String(), `/instances/`); w.Code == 409 && len(h.instances) > 0 || w.Code < 300 && told < len(h.instances) {
			t.Errorf("status %d, %d stored, %d told: %s", w.Code, len(h.instances), told, w.Body.Bytes())
		}
	})
}

// FuzzQuery checks that every query is either refused or answered with JSON.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{"PatientName=W*&limit=2", "00080020=20260101-", "StudyInstanceUID=1.2,1.3", "includefield=all",
		"00400275.00400009=x", "ModalitiesInStudy=CT%5CMR", "StudyTime=-10", "PatientName=%3D%5E", "fuzzymatching=true"} {
		f.Add(q)
	}
	h := newHouse()
	d := door(h)
	r := httptest.NewRequest("POST", "/studies", bytes.NewReader(tiny(1)))
	r.Header.Set("Content-Type", "application/dicom")
	d.ServeHTTP(httptest.NewRecorder(), r)
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/studies", "/series", "/instances"} {
			r := httptest.NewRequest("GET", path, nil)
			r.URL.RawQuery = query
			w := httptest.NewRecorder()
			d.ServeHTTP(w, r)
			if !json.Valid(w.Body.Bytes()) || w.Code != 200 && w.Code != 400 && w.Code != 406 {
				t.Errorf("%s?%s: status %d: %q", path, query, w.Code, w.Body.Bytes())
			}
		}
	})
}

// FuzzAccept checks that every Accept header is answered or refused, and that a
// multipart answer is never sent to who wants JSON only.
func FuzzAccept(f *testing.F) {
	for _, a := range []string{viewer, "*/*", `multipart/related; type="image/*"; q=0.1, application/dicom;q=0`, `a;b="c;d";e`, "image/jpeg, */*;q=0.1", `";,"`} {
		f.Add(a)
	}
	h := newHouse()
	d := door(h)
	r := httptest.NewRequest("POST", "/studies", bytes.NewReader(tiny(1)))
	r.Header.Set("Content-Type", "application/dicom")
	d.ServeHTTP(httptest.NewRecorder(), r)
	s := sample.New(sample.Options{Seed: 1, Slices: 1, Rows: 2, Columns: 2, PatientID: "P-1"})
	instance := "/studies/" + s.StudyUID + "/series/" + s.SeriesUID + "/instances/" + s.InstanceUID(0)
	f.Fuzz(func(t *testing.T, accept string) {
		for _, path := range []string{instance, instance + "/metadata", instance + "/frames/1", instance + "/bulkdata/7FE00010",
			instance + "/rendered", instance + "/thumbnail"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("Accept", accept)
			w := httptest.NewRecorder()
			d.ServeHTTP(w, r)
			if w.Code != 200 && w.Code != 406 {
				t.Errorf("GET %s as %q: status %d: %s", path, accept, w.Code, w.Body)
			}
		}
	})
}

// FuzzPixels stores any file and asks for its picture and for it in other
// transfer syntaxes: each is answered or refused, never by a failure of the
// server. An answer that fails on its way breaks the connection.
func FuzzPixels(f *testing.F) {
	f.Add(tiny(1))
	f.Add(bytes.Replace(tiny(1), []byte("MONOCHROME2"), []byte("MONOCHROME1"), 1))
	f.Add(bytes.Replace(tiny(1), []byte("1.2.840.10008.1.2.1\x00"), []byte("1.2.840.10008.1.2.5\x00"), 1))
	h := newHouse()
	d := door(h)
	f.Fuzz(func(t *testing.T, file []byte) {
		h.empty()
		r := httptest.NewRequest("POST", "/studies?patient=Patient/p1", bytes.NewReader(file))
		r.Header.Set("Content-Type", "application/dicom")
		d.ServeHTTP(httptest.NewRecorder(), r)
		for _, i := range h.instances {
			path := "/studies/" + i.Study + "/series/" + i.Series + "/instances/" + i.UID
			for _, ask := range [][2]string{{"/rendered", "image/png"}, {"/thumbnail", "*/*"}, {"", "application/dicom; transfer-syntax=1.2.840.10008.1.2"},
				{"", "application/dicom; transfer-syntax=1.2.840.10008.1.2.5"}, {"/frames/1", "application/octet-stream"}} {
				if code := status(d, path+ask[0], ask[1]); code >= 500 {
					t.Errorf("GET %s as %s: status %d", ask[0], ask[1], code)
				}
			}
		}
	})
}

// status is that of a GET; 0 where the connection was broken.
func status(d http.Handler, path, accept string) (code int) {
	defer func() {
		if err := recover(); err != nil && err != http.ErrAbortHandler {
			panic(err)
		} else if err != nil {
			code = 0
		}
	}()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Code
}

// FuzzRejectionNote checks that no rejection note panics, and that what is read of
// it stays in its bounds: with no quarantine behind the door each is refused.
func FuzzRejectionNote(f *testing.F) {
	const head = `[{"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.88.59"]},"00080018":{"vr":"UI","Value":["1.2.3"]},"0020000D":{"vr":"UI","Value":["1.2"]},` +
		`"0020000E":{"vr":"UI","Value":["1.2.1"]},"00100020":{"vr":"LO","Value":["P-1"]},`
	title := func(code string) string {
		return `"0040A043":{"vr":"SQ","Value":[{"00080100":{"vr":"SH","Value":["` + code + `"]},"00080102":{"vr":"SH","Value":["DCM"]}}]}`
	}
	const evidence = `,"0040A375":{"vr":"SQ","Value":[{"0020000D":{"vr":"UI","Value":["1.4"]},"00081115":{"vr":"SQ","Value":[{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.5"]}},{"00081155":{"vr":"UI","Value":["x"]}},{}]}},{}]}},{}]}`
	for _, code := range []string{"113001", "113039", "121181", ""} {
		f.Add([]byte(head + title(code) + "}]"))
		f.Add([]byte(head + title(code) + evidence + "}]"))
	}
	f.Add([]byte(head + `"0040A043":{"vr":"SQ","Value":[]}}]`))
	h := newHouse()
	d := door(h)
	f.Fuzz(func(t *testing.T, body []byte) {
		h.empty()
		r := httptest.NewRequest("POST", "/studies", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/dicom+json")
		w := httptest.NewRecorder()
		if d.ServeHTTP(w, r); w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
			t.Fatalf("status %d: %s", w.Code, w.Body.Bytes())
		}
		for _, draft := range h.drafts {
			if draft.Operation == "reject-images" {
				t.Errorf("rejected without a place to keep the note: %s", body)
			}
		}
	})
}
