package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// client sends requests to the doors of one server.
type client struct {
	ctx  context.Context //nolint:containedctx // one story, one context
	root string          // "http://127.0.0.1:4711"
	http *http.Client
}

// request is one request. body is written as JSON; raw is sent as it is.
type request struct {
	as          *person // nil: without a token
	method      string
	path        string // "/fhir/Patient"
	header      map[string]string
	body        any
	raw         []byte
	contentType string
}

const (
	fhirJSON  = "application/fhir+json"
	jsonPatch = "application/json-patch+json"
	timeout   = 2 * time.Minute
)

// answer is what came back.
type answer struct {
	request string // "POST /fhir/Patient as CLIN PractitionerRole/clin-wang"
	status  int
	header  http.Header
	body    []byte
}

// Unexpected is an answer that the story does not allow.
type Unexpected struct {
	Request string
	Want    string
	Got     string
	Body    string
}

func (u *Unexpected) Error() string {
	return fmt.Sprintf("%s\n  expected %s\n  got      %s\n%s", u.Request, u.Want, u.Got, u.Body)
}

// stop ends the story; Run turns it into its error.
func stop(err error) { panic(ended{err}) }

type ended struct{ err error }

// expect sends a request and takes no other status than these.
func (c *client) expect(status int, q request) *answer {
	a := c.send(q)
	if a.status != status {
		stop(&Unexpected{a.request, fmt.Sprint(status), fmt.Sprint(a.status), a.told()})
	}
	return a
}

// send sends a request and takes any answer.
func (c *client) send(q request) *answer {
	a, err := c.try(q)
	if err != nil {
		stop(fmt.Errorf("%s: %w", a.request, err))
	}
	return a
}

// try is send for goroutines beside the story, which cannot end it.
func (c *client) try(q request) (*answer, error) {
	a := &answer{request: q.String()}
	payload := q.raw
	if q.body != nil {
		var err error
		if payload, err = json.Marshal(q.body); err != nil {
			return a, err
		}
	}
	r, err := http.NewRequestWithContext(c.ctx, q.method, c.root+q.path, bytes.NewReader(payload))
	if err != nil {
		return a, err
	}
	q.headers(r.Header, payload)
	res, err := c.http.Do(r)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	a.status, a.header = res.StatusCode, res.Header
	a.body, err = io.ReadAll(res.Body)
	return a, err
}

func (q request) headers(h http.Header, payload []byte) {
	if q.as != nil {
		h.Set("Authorization", "Bearer "+q.as.token)
	}
	if payload != nil {
		h.Set("Content-Type", fhirJSON)
	}
	if q.contentType != "" {
		h.Set("Content-Type", q.contentType)
	}
	for name, value := range q.header {
		h.Set(name, value)
	}
}

func (q request) String() string {
	who := "without a token"
	if q.as != nil {
		who = "as " + q.as.String()
	}
	return q.method + " " + q.path + " " + who
}

// json is the body as an object; numbers keep their digits.
func (a *answer) json() obj {
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber()
	var o obj
	if err := d.Decode(&o); err != nil {
		stop(&Unexpected{a.request, "a JSON object", fmt.Sprint(a.status), string(a.body)})
	}
	return o
}

// ref is "Type/id" of the resource in the answer.
func (a *answer) ref() string {
	if parts := strings.Split(a.header.Get("Location"), "/"); len(parts) >= 4 && a.header.Get("Location") != "" {
		for i, p := range parts {
			if p == "_history" && i >= 2 {
				return parts[i-2] + "/" + parts[i-1]
			}
		}
	}
	o := a.json()
	return str(o, "resourceType") + "/" + str(o, "id")
}

// version is the version of the resource in the answer, from ETag: W/"3".
func (a *answer) version() string {
	return strings.Trim(strings.TrimPrefix(a.header.Get("ETag"), "W/"), `"`)
}
