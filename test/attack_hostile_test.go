package test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/test/servertest"
)

var appDev = app.Config{Dev: true}

// hostile requests are refused with a 4xx, quickly and in bounded memory, and
// leave nothing behind.
func (w *town) hostile(t *testing.T) {
	clin := w.token["clin"]
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 64<<20))
	_ = z.Close()
	many := strings.Repeat("&name=q-value-in-url", 5000)
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, c := range []struct {
		name string
		q    servertest.Request
		want []int
	}{
		{"a body over the limit", post("/fhir/Patient", `{"resourceType":"Patient","name":[{"text":"`+strings.Repeat("x", 17<<20)+`"}]}`), []int{413}},
		{"a gzip bomb", servertest.Request{Method: "POST", Path: "/fhir/Patient", Body: bomb.Bytes(), Header: map[string]string{"Content-Encoding": "gzip"}}, []int{413}},
		{"a gzip bomb to DICOMweb", servertest.Request{Method: "POST", Path: "/dicomweb/studies", Body: bomb.Bytes(), Header: map[string]string{"Content-Encoding": "gzip", "Content-Type": "application/dicom"}}, []int{400, 409, 415}},
		{"deep JSON", post("/fhir/Patient", `{"resourceType":"Patient","contained":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)+`}`), []int{400, 413}},
		{"deep extensions", post("/fhir/Patient", `{"resourceType":"Patient","extension":[`+strings.Repeat(`{"url":"u","extension":[`, 500)+strings.Repeat(`]}`, 500)+`]}`), []int{400, 413, 422}},
		{"millions of nodes", post("/fhir/Patient", `{"resourceType":"Patient","name":[`+strings.Repeat("1,", 5<<20)+`1]}`), []int{400, 413, 422}},
		{"bad UTF-8", post("/fhir/Patient", "{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"\xff\xfe\"}]}"), []int{400}},
		{"a NUL in a string", post("/fhir/Patient", `{"resourceType":"Patient","name":[{"text":"a`+"\x00"+`"}]}`), []int{400}},
		{"an escaped NUL", post("/fhir/Patient", `{"resourceType":"Patient","name":[{"text":"a\u0000b"}]}`), []int{400, 422}},
		{"a huge number", post("/fhir/Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1e999999999}}`), []int{400, 422}},
		{"a number of many digits", post("/fhir/Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":`+strings.Repeat("9", 100_000)+`}}`), []int{400, 422}},
		{"no body", post("/fhir/Patient", ""), []int{400}},
		{"another type", post("/fhir/Patient", `{"resourceType":"Observation","status":"final","code":{"text":"x"}}`), []int{400, 422}},
		{"HTML", servertest.Request{Method: "POST", Path: "/fhir/Patient", Body: []byte("<html>"), Header: map[string]string{"Content-Type": "text/html"}}, []int{415}},
		{"external entities", servertest.Request{Method: "POST", Path: "/fhir/Patient", Body: []byte(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Patient xmlns="http://hl7.org/fhir"><id value="&e;"/></Patient>`), Header: map[string]string{"Content-Type": "application/fhir+xml"}}, []int{400}},
		{"thousands of parameters", get("/fhir/Patient?x=1" + many), []int{400, 414, 431}},
		{"a long value", get("/fhir/Patient?name=" + strings.Repeat("q", 60_000)), []int{200, 400, 414, 431}},
		{"thousands of alternatives", get("/fhir/Patient?name=" + strings.Repeat("a,", 5000)), []int{400, 414}},
		{"a long chain", strict("/fhir/Observation?" + strings.Repeat("subject:Patient.link:Patient.", 40) + "name=x"), []int{400, 414}},
		{"nested _has", strict("/fhir/Patient?" + strings.Repeat("_has:Observation:subject:", 40) + "code=x"), []int{400, 414}},
		{"many includes", get("/fhir/Patient?_id=1" + strings.Repeat("&_include:iterate=*", 300)), []int{400, 414}},
		{"a negative count", get("/fhir/Patient?_count=-1"), []int{400}},
		{"an endless count", get("/fhir/Patient?_count=99999999999999999999"), []int{200, 400}},
		{"a forged page link", get("/fhir/Patient?_cursor=AAAA"), []int{400}},
		{"SQL in a value", get("/fhir/Patient?name=%27%29%3BDROP%20TABLE%20resource--"), []int{200}},
		{"SQL in a sort", get("/fhir/Patient?_sort=name%27%29%3BDROP"), []int{400}},
		{"SQL in an id", get("/fhir/Patient/1'%20OR%20'1'='1"), []int{400, 404}},
		{"a bad escape", get("/fhir/Patient?name=%zz"), []int{400}},
		{"a NUL in the query", get("/fhir/Patient?name=%00q-value-in-url"), []int{200, 400}},
		{"a path that climbs", get("/fhir/Patient/..%2f..%2f..%2fetc%2fpasswd"), []int{400, 404}},
		{"a path that climbs out of Binary", get("/fhir/Binary/..%2f..%2fkeys%2flog.key"), []int{400, 404}},
		{"a path that climbs raw", get("/fhir/Binary/../../keys/log.key"), []int{400, 404}},
		{"a path with backslashes", get("/fhir/Binary/..%5c..%5ckeys"), []int{400, 404}},
		{"a path that climbs in DICOMweb", get("/dicomweb/studies/..%2f..%2fkeys/metadata"), []int{400, 404}},
		{"a NUL in an id", get("/fhir/Patient/a%00b"), []int{400, 404}},
		{"a long id", get("/fhir/Patient/" + strings.Repeat("a", 5000)), []int{400, 404, 414}},
		{"a version that overflows", get("/fhir/" + w.patient + "/_history/99999999999999999999"), []int{400, 404}},
		{"a version that is none", get("/fhir/" + w.patient + "/_history/-1"), []int{400, 404}},
		{"a method of none", servertest.Request{Method: "TRACE", Path: "/fhir/" + w.patient}, []int{404, 405}},
		{"CONNECT", servertest.Request{Method: "PROPFIND", Path: "/fhir/Patient"}, []int{404, 405}},
		{"a Bundle of deletes beyond reach", post("/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Patient?_lastUpdated=gt1900"}}]}`), []int{400, 403, 409, 412, 422}},
		{"a batch in a batch", post("/fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Bundle","type":"batch"},"request":{"method":"POST","url":""}}]}`), []int{200}}, // its entry is refused, see rest.TestBatchEntriesStandAlone
		{"frames by the billion", get("/dicomweb/studies/" + w.study.StudyUID + "/series/" + w.study.SeriesUID + "/instances/" + w.study.InstanceUID(0) + "/frames/" + strings.Repeat("1,", 10000) + "1"), []int{400, 404, 414}},
		{"a range beyond the end", servertest.Request{Method: "GET", Path: "/fhir/" + w.binary, Header: map[string]string{"Range": "bytes=999999999999-"}}, []int{200, 416}},
		{"ranges by the thousand", servertest.Request{Method: "GET", Path: "/fhir/" + w.binary, Header: map[string]string{"Range": "bytes=" + strings.Repeat("0-1,", 5000) + "0-1"}}, []int{200, 206, 400, 416}},
		{"a patch that grows", patches("", w.patient, "["+strings.Repeat(`{"op":"copy","from":"/name","path":"/name/-"},`, 60)+`{"op":"add","path":"/active","value":true}]`), []int{400, 413, 422}},
		{"a patch of the id", patches("", w.patient, `[{"op":"replace","path":"/id","value":"other"}]`), []int{400, 422}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.q.Token = clin
			began := time.Now()
			a, err := w.Try(t.Context(), c.q)
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			ok := false
			for _, status := range c.want {
				ok = ok || a.Status == status
			}
			if !ok {
				t.Errorf("%d %.400s, want %v", a.Status, a.Body, c.want)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if a.Status >= 400 && c.q.Method != "HEAD" && strings.HasPrefix(c.q.Path, "/fhir") && a.Status != 431 && a.Status != 416 && !bytes.Contains(a.Body, []byte("OperationOutcome")) {
				t.Errorf("%d without an OperationOutcome: %.200s", a.Status, a.Body)
			}
			if bytes.Contains(a.Body, []byte("root:")) || bytes.Contains(a.Body, []byte("PRIVATE")) || bytes.Contains(a.Body, []byte("goroutine")) || bytes.Contains(a.Body, []byte("sqlite")) {
				t.Errorf("it tells of the inside: %.300s", a.Body)
			}
			if a.Status >= 400 && len(a.Body) > 20_000 {
				t.Errorf("an error of %d bytes", len(a.Body))
			}
			if a.Status >= 400 {
				discreet(t, c.q, a)
			}
		})
	}
	var after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 400<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
	if a := w.Send(t, servertest.Request{Method: "GET", Path: "/readyz"}); a.Status != 200 {
		t.Errorf("afterwards /readyz = %d", a.Status)
	}
	w.untouched(t)
}

func post(path, body string) servertest.Request {
	return servertest.Request{Method: "POST", Path: path, Body: []byte(body)}
}

func strict(path string) servertest.Request {
	return servertest.Request{Method: "GET", Path: path, Header: map[string]string{"Prefer": "handling=strict"}}
}

func get(path string) servertest.Request { return servertest.Request{Method: "GET", Path: path} }

// raw speaks to the socket: what a client library would not send.
func (w *town) raw(t *testing.T) {
	auth := "Authorization: Bearer " + w.token["clin"] + "\r\n"
	host := "Host: x\r\n"
	for name, c := range map[string]struct {
		send string
		want []int // nil: the connection is closed without a success
	}{
		"two lengths":                {"POST /fhir/Patient HTTP/1.1\r\n" + host + auth + "Content-Type: application/fhir+json\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\n{}...", []int{400}},
		"length and chunks":          {"POST /fhir/Patient HTTP/1.1\r\n" + host + auth + "Content-Type: application/fhir+json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /fhir/Patient HTTP/1.1\r\n\r\n", []int{400}},
		"a negative length":          {"POST /fhir/Patient HTTP/1.1\r\n" + host + auth + "Content-Length: -1\r\n\r\n", []int{400}},
		"a header with a line break": {"GET /fhir/Patient HTTP/1.1\r\n" + host + "X-Request-Id: a\rSet-Cookie: b=c\r\n" + auth + "\r\n", []int{400}},
		"a header folded":            {"GET /fhir/Patient HTTP/1.1\r\n" + host + "X-Y: a\r\n b\r\n\r\n", []int{400, 401}},
		"a huge header":              {"GET /fhir/Patient HTTP/1.1\r\n" + host + "X-Y: " + strings.Repeat("a", 200<<10) + "\r\n\r\n", []int{431}},
		"no host":                    {"GET /fhir/Patient HTTP/1.1\r\n" + auth + "\r\n", []int{400}},
		"not HTTP":                   {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", nil},
		"a body that breaks off":     {"POST /fhir/Patient HTTP/1.1\r\n" + host + auth + "Content-Type: application/fhir+json\r\nContent-Length: 5000\r\n\r\n" + `{"resourceType":"Patient","identifier":[{"value":"half"}]}`, nil},
		"a chunk that breaks off":    {"POST /fhir/Binary HTTP/1.1\r\n" + host + auth + "Content-Type: model/stl\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsolid\r\nFFFFFF\r\nxx", nil},
		"a chunk of nonsense":        {"POST /fhir/Patient HTTP/1.1\r\n" + host + auth + "Content-Type: application/fhir+json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", []int{400}},
	} {
		t.Run(name, func(t *testing.T) {
			status, head := w.speak(t, c.send)
			if strings.Contains(head, "Set-Cookie") {
				t.Errorf("a header was injected: %s", head)
			}
			if c.want == nil && status >= 200 && status < 300 {
				t.Errorf("%d, want no success", status)
			}
			ok := c.want == nil
			for _, s := range c.want {
				ok = ok || s == status
			}
			if !ok {
				t.Errorf("%d %.300s, want %v", status, head, c.want)
			}
		})
	}
	if refs := (via{nil, w.token["clin"]}).found(t, w.Client, "Patient?identifier=half"); len(refs) > 0 {
		t.Errorf("half a body was stored: %v", refs)
	}
	if refs := (via{nil, w.token["clin"]}).found(t, w.Client, "Binary?_count=10"); len(refs) != 1 {
		t.Errorf("there are the Binaries %v, want the one", refs)
	}
	t.Run("a foreign host", func(t *testing.T) {
		_, head := w.speak(t, "POST /fhir/Patient HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\nConnection: close\r\n"+auth+
			"Content-Type: application/fhir+json\r\nContent-Length: 26\r\n\r\n"+`{"resourceType":"Patient"}`)
		if strings.Contains(head, "evil") || !strings.Contains(head, w.URL) {
			t.Errorf("links follow the client's host: %s", head)
		}
	})
	t.Run("many idle connections", func(t *testing.T) {
		for range 300 {
			c, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _ = fmt.Fprint(c, "GET /fhir/Patient HTTP/1.1\r\nHo")
		}
		if a := w.Send(t, servertest.Request{Method: "GET", Path: "/readyz"}); a.Status != 200 {
			t.Errorf("/readyz = %d", a.Status)
		}
	})
}

// speak sends bytes, closes its side unless the server is asked to, and reads
// the answer.
func (w *town) speak(t *testing.T, send string) (status int, head string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(15 * time.Second))
	_, _ = io.WriteString(c, send) // the server may hang up first
	if !strings.Contains(send, "Connection: close") {
		_ = c.(*net.TCPConn).CloseWrite()
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 10_000))
	return res.StatusCode, fmt.Sprint(res.Header, string(body))
}
