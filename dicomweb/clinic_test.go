package dicomweb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tenon/dicomweb"
	"tenon/server/access"
)

// clinic is the door on a house, as a server.
type clinic struct {
	*house
	url string
	who *access.Context
}

var operator = &access.Context{Kind: access.Operator, Principal: "operator", Tenant: "main"}

func open(t testing.TB, change ...func(*dicomweb.Options)) *clinic {
	t.Helper()
	c := &clinic{house: newHouse(), who: operator}
	o := dicomweb.Options{Records: c.house, Index: imaging{c.house}, Blobs: c.house, Auditor: c.house, Mount: "/dicomweb",
		Caller: func(*http.Request) (*access.Context, error) { return c.who, nil },
		Clock:  func() time.Time { return time.Unix(0, 0) },
		Log:    func(_ context.Context, what string, err error) { t.Logf("%s: %v", what, err) }}
	for _, f := range change {
		f(&o)
	}
	server := httptest.NewServer(dicomweb.New(o))
	t.Cleanup(server.Close)
	c.url = server.URL + "/dicomweb"
	return c
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body []byte
}

func (c *clinic) do(t testing.TB, method, target string, body []byte, header ...string) *answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.url+target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &answer{resp, b}
}

func (c *clinic) get(t testing.TB, target string, accept ...string) *answer {
	t.Helper()
	var header []string
	for _, a := range accept {
		header = append(header, "Accept", a)
	}
	return c.do(t, "GET", target, nil, header...)
}

const related = `multipart/related; type="application/dicom"; boundary=frontier`

func multipartBody(files ...[]byte) []byte {
	var b bytes.Buffer
	for _, f := range files {
		b.WriteString("--frontier\r\nContent-Type: application/dicom\r\n\r\n")
		b.Write(f)
		b.WriteString("\r\n")
	}
	b.WriteString("--frontier--\r\n")
	return b.Bytes()
}

func (c *clinic) stow(t testing.TB, target string, files ...[]byte) *answer {
	t.Helper()
	return c.do(t, "POST", target, multipartBody(files...), "Content-Type", related)
}

// dataset is DICOM JSON as a client reads it.
type dataset map[string]struct {
	VR           string `json:"vr"`
	Value        []json.RawMessage
	BulkDataURI  string
	InlineBinary string
}

func (d dataset) value(tag string) string {
	if len(d[tag].Value) == 0 {
		return ""
	}
	var s string
	if json.Unmarshal(d[tag].Value[0], &s) == nil {
		return s
	}
	return string(d[tag].Value[0])
}

func (d dataset) items(t testing.TB, tag string) []dataset {
	t.Helper()
	var list []dataset
	for _, v := range d[tag].Value {
		var item dataset
		if err := json.Unmarshal(v, &item); err != nil {
			t.Fatal(err)
		}
		list = append(list, item)
	}
	return list
}

func (a *answer) object(t testing.TB) dataset {
	t.Helper()
	var d dataset
	if err := json.Unmarshal(a.body, &d); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return d
}

func (a *answer) list(t testing.TB) []dataset {
	t.Helper()
	var d []dataset
	if err := json.Unmarshal(a.body, &d); err != nil {
		t.Fatalf("status %d: %v in %.300s", a.StatusCode, err, a.body)
	}
	return d
}
