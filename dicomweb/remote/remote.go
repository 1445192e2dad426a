package remote

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"
)

// Server is another DICOMweb server.
type Server struct {
	URL    string // of its root: https://pacs.example/dicom-web
	Token  string // bearer token, or ""
	Client *http.Client
}

// File is one Part 10 file that is sent. Open is called once.
type File struct {
	Instance string // SOP Instance UID
	Syntax   string
	Open     func() (io.ReadCloser, error)
}

// Outcome is what became of the files.
type Outcome struct {
	Stored, Warned int
	Failed         []string // SOP Instance UIDs
}

// Bounds of one exchange.
const (
	maxTime   = time.Hour
	maxAnswer = 64 << 20
	maxParts  = 20_000
)

var errAnswer = errors.New("remote: the answer cannot be read")

// CheckURL tells whether a text is the root of a DICOMweb server.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%q is no http(s) URL without user, query and fragment", s)
	}
	return nil
}

func (s *Server) do(ctx context.Context, method, path string, header http.Header, body io.Reader) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(s.URL, "/")+path, body)
	if err != nil {
		return nil, err
	}
	q.Header = header
	if s.Token != "" {
		header.Set("Authorization", "Bearer "+s.Token)
	}
	client := *s.Client
	client.Timeout = 0 // ctx ends it: a study takes its time
	return client.Do(q)
}

// Store sends the files of one study in one request, as they are read.
func (s *Server) Store(ctx context.Context, study string, files iter.Seq2[*File, error]) (*Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	boundary := "tenon-" + rand.Text()
	pr, pw := io.Pipe()
	defer pr.Close()
	var asked []string
	wrote := make(chan error, 1)
	go func() {
		err := write(pw, boundary, files, &asked)
		pw.CloseWithError(err)
		wrote <- err
	}()
	res, err := s.do(ctx, http.MethodPost, "/studies/"+study, http.Header{
		"Content-Type": {`multipart/related; type="application/dicom"; boundary=` + boundary}, "Accept": {"application/dicom+json"}}, pr)
	_ = pr.CloseWithError(io.ErrClosedPipe) // an answer before the end ends the writing
	writing := <-wrote
	if err != nil {
		return nil, errors.Join(err, writing)
	}
	defer res.Body.Close()
	if writing != nil && !errors.Is(writing, io.ErrClosedPipe) {
		return nil, writing
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusAccepted && res.StatusCode != http.StatusConflict {
		return nil, fmt.Errorf("remote: STOW-RS was answered with status %d", res.StatusCode)
	}
	return outcome(res.Body, asked)
}

// write writes the parts of a request. A peer may answer before the end; what was
// still to come is named in asked all the same, so that it counts as failed.
func write(w io.Writer, boundary string, files iter.Seq2[*File, error], asked *[]string) error {
	m := multipart.NewWriter(w)
	if err := m.SetBoundary(boundary); err != nil {
		return err
	}
	var answered error
	for f, err := range files {
		if err != nil {
			return err
		}
		*asked = append(*asked, f.Instance)
		if answered != nil {
			continue
		}
		if err := one(m, f); errors.Is(err, io.ErrClosedPipe) {
			answered = err
		} else if err != nil {
			return err
		}
	}
	if answered != nil {
		return answered
	}
	return m.Close()
}

func one(m *multipart.Writer, f *File) error {
	part, err := m.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/dicom; transfer-syntax=" + f.Syntax}})
	if err != nil {
		return err
	}
	file, err := f.Open()
	if err != nil {
		return err
	}
	_, err = io.Copy(part, file)
	return errors.Join(err, file.Close())
}

// outcome reads the Store Instances Response Module: what is not said to be stored
// has failed.
func outcome(body io.Reader, asked []string) (*Outcome, error) {
	type values struct{ Value []json.RawMessage }
	var answer struct {
		Stored struct {
			Value []struct {
				Instance struct{ Value []string } `json:"00081155"`
				Warning  values                   `json:"00081196"`
			}
		} `json:"00081199"`
	}
	text, err := io.ReadAll(io.LimitReader(body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if trimmed := strings.TrimSpace(string(text)); strings.HasPrefix(trimmed, "[") && strings.HasSuffix(trimmed, "]") { // some answer with an array of one
		text = []byte(trimmed[1 : len(trimmed)-1])
	}
	if json.Unmarshal(text, &answer) != nil {
		return nil, errAnswer
	}
	warned := map[string]bool{}
	stored := map[string]bool{}
	for _, v := range answer.Stored.Value {
		if len(v.Instance.Value) == 1 {
			stored[v.Instance.Value[0]], warned[v.Instance.Value[0]] = true, len(v.Warning.Value) > 0
		}
	}
	out := &Outcome{}
	for _, uid := range asked {
		switch {
		case !stored[uid]:
			out.Failed = append(out.Failed, uid)
		case warned[uid]:
			out.Warned++
		default:
			out.Stored++
		}
	}
	return out, nil
}

// Retrieve gives every file under a path (/studies/{uid}…) to take. Status 404 is
// no file.
func (s *Server) Retrieve(ctx context.Context, path string, take func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	res, err := s.do(ctx, http.MethodGet, path, http.Header{"Accept": {`multipart/related; type="application/dicom"; transfer-syntax=*`}}, http.NoBody)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusNoContent:
		return nil
	case res.StatusCode != http.StatusOK && res.StatusCode != http.StatusPartialContent:
		return fmt.Errorf("remote: WADO-RS was answered with status %d", res.StatusCode)
	}
	typ, params, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || typ != "multipart/related" || params["boundary"] == "" {
		return errAnswer
	}
	parts := multipart.NewReader(res.Body, params["boundary"])
	for n := 0; ; n++ {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n == maxParts {
			return errAnswer
		}
		if err := take(p); err != nil {
			return err
		}
	}
}
