package webhook

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tenon/server/dispatch"
)

const secret = "0123456789abcdef0123456789abcdef"

var at = time.Unix(1_790_000_000, 0)

func TestVerify(t *testing.T) {
	body := []byte(`{"id":"1"}`)
	signed := func(change func(http.Header)) http.Header {
		h := http.Header{}
		sign(h, secret, at, body)
		change(h)
		return h
	}
	tests := []struct {
		name   string
		h      http.Header
		body   []byte
		now    time.Time
		secret string
		ok     bool
	}{
		{"as signed", signed(func(http.Header) {}), body, at, secret, true},
		{"four minutes later", signed(func(http.Header) {}), body, at.Add(4 * time.Minute), secret, true},
		{"an old recording", signed(func(http.Header) {}), body, at.Add(6 * time.Minute), secret, false},
		{"from the future", signed(func(http.Header) {}), body, at.Add(-6 * time.Minute), secret, false},
		{"another body", signed(func(http.Header) {}), []byte(`{"id":"2"}`), at, secret, false},
		{"another secret", signed(func(http.Header) {}), body, at, secret + "x", false},
		{"another time stamp", signed(func(h http.Header) { h.Set(headerTime, "1790000001") }), body, at, secret, false},
		{"no signature", signed(func(h http.Header) { h.Del(headerSignature) }), body, at, secret, false},
		{"another version", signed(func(h http.Header) { h.Set(headerSignature, "v0"+h.Get(headerSignature)[2:]) }), body, at, secret, false},
		{"no time stamp", signed(func(h http.Header) { h.Del(headerTime) }), body, at, secret, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := verify(tt.h, tt.secret, tt.now, tt.body); (err == nil) != tt.ok {
				t.Errorf("verify = %v, want ok %v", err, tt.ok)
			}
		})
	}
}

func TestDeliver(t *testing.T) {
	tests := []struct {
		status           int
		delivered, again bool
	}{
		{200, true, false}, {202, true, false}, {409, true, false},
		{500, false, true}, {503, false, true}, {429, false, true}, {408, false, true},
		{400, false, false}, {401, false, false}, {422, false, false}, {302, false, false},
	}
	for _, tt := range tests {
		t.Run(http.StatusText(tt.status), func(t *testing.T) {
			mes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if err := verify(r.Header, secret, at, body); err != nil || r.Header.Get(headerKey) != "k" {
					t.Errorf("the message came with %v and key %q", err, r.Header.Get(headerKey))
				}
				w.WriteHeader(tt.status)
			}))
			defer mes.Close()
			s := &Sink{URL: mes.URL, Secret: secret, Client: mes.Client(), Clock: func() time.Time { return at }}
			err := s.Deliver(t.Context(), dispatch.Message{Key: "k", Body: []byte(`{}`)})
			var permanent *dispatch.Permanent
			if (err == nil) != tt.delivered || err != nil && errors.As(err, &permanent) == tt.again {
				t.Errorf("Deliver on %d = %v, want delivered %v, again %v", tt.status, err, tt.delivered, tt.again)
			}
		})
	}
}

func TestDeliverWhileNobodyListens(t *testing.T) {
	s := &Sink{URL: "http://127.0.0.1:1/", Secret: secret, Client: http.DefaultClient, Clock: time.Now}
	var permanent *dispatch.Permanent
	if err := s.Deliver(t.Context(), dispatch.Message{}); err == nil || errors.As(err, &permanent) {
		t.Errorf("Deliver = %v, want an error that is tried again", err)
	}
}
