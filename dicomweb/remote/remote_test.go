package remote_test

import (
	"bytes"
	"context"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"tenon/dicomweb/remote"
)

// large is more than the buffers between hold.
const large = 8 << 20

func files(opened *int, size int, uids ...string) iter.Seq2[*remote.File, error] {
	return func(yield func(*remote.File, error) bool) {
		for _, uid := range uids {
			if !yield(&remote.File{Instance: uid, Syntax: "1.2.840.10008.1.2.1", Open: func() (io.ReadCloser, error) {
				*opened++
				return io.NopCloser(bytes.NewReader(make([]byte, size))), nil
			}}, nil) {
				return
			}
		}
	}
}

const stored = `{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.1"]}}]}}`

// TestStoreAnsweredEarly: a peer that answers before it has read all is believed
// only for what it says that it has stored.
func TestStoreAnsweredEarly(t *testing.T) {
	t.Parallel()
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/dicom+json")
		_, _ = io.WriteString(w, stored) // the body is left unread
	}))
	defer peer.Close()
	opened := 0
	out, err := (&remote.Server{URL: peer.URL, Client: peer.Client()}).Store(t.Context(), "1", files(&opened, large, "1.1", "1.2", "1.3", "1.4"))
	if err != nil {
		t.Fatal(err)
	}
	if out.Stored != 1 || !slices.Equal(out.Failed, []string{"1.2", "1.3", "1.4"}) {
		t.Errorf("%+v, want 1 stored and 3 failed", out)
	}
	if opened == 4 {
		t.Error("all files were opened, although the peer had answered")
	}
}

// TestStoreAnsweredAtTheEnd is its twin: all that is said to be stored is.
func TestStoreAnsweredAtTheEnd(t *testing.T) {
	t.Parallel()
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "["+stored+"]")
	}))
	defer peer.Close()
	opened := 0
	out, err := (&remote.Server{URL: peer.URL, Client: peer.Client()}).Store(t.Context(), "1", files(&opened, large, "1.1"))
	if err != nil || out.Stored != 1 || len(out.Failed) != 0 || opened != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}

// answering is a transport that answers with what is given.
type answering struct {
	contentType string
	body        []byte
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {a.contentType}}, Body: io.NopCloser(bytes.NewReader(a.body)), Request: r}, nil
}

// FuzzAnswer checks that no answer of a peer panics, that never more is told to be
// stored than was sent, and that no part is longer than the answer.
func FuzzAnswer(f *testing.F) {
	f.Add("application/dicom+json", []byte(stored))
	f.Add("application/dicom+json", []byte(`[{"00081199":{"Value":[{"00081155":{"Value":["1.1"]},"00081196":{"Value":[45056]}}]}}]`))
	f.Add(`multipart/related; type="application/dicom"; boundary=b`, []byte("--b\r\nContent-Type: application/dicom\r\n\r\nDICM\r\n--b--"))
	f.Add(`multipart/related; boundary=""`, []byte("--\r\n\r\n"))
	f.Add("multipart/related; boundary=b", []byte("--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=3D"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		if strings.ContainsAny(contentType, "\r\n") {
			return
		}
		s := &remote.Server{URL: "http://peer.example", Client: &http.Client{Transport: answering{contentType, body}}}
		opened := 0
		if out, err := s.Store(context.Background(), "1", files(&opened, 8, "1.1")); err == nil && out.Stored+out.Warned+len(out.Failed) != 1 {
			t.Errorf("%+v of one file", out)
		}
		total := 0
		err := s.Retrieve(context.Background(), "/studies/1", func(r io.Reader) error {
			n, err := io.Copy(io.Discard, r)
			total += int(n)
			return err
		})
		if total > len(body) {
			t.Errorf("%d bytes of %d, %v", total, len(body), err)
		}
	})
}
