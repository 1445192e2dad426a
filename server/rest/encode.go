package rest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"tenon/fhir/issue"
)

// Content codings of bodies, both ways.
// https://www.rfc-editor.org/rfc/rfc9110#section-8.4 and https://www.rfc-editor.org/rfc/rfc8878
const (
	codingGzip = "gzip"
	codingZstd = "zstd"
)

// worthCoding is the size from which an answer is compressed.
const worthCoding = 1400

// contentCoding chooses the coding of an answer by Accept-Encoding: of those with the
// highest weight zstd, then gzip; "" for none.
func contentCoding(headers []string) string {
	weight := map[string]float64{}
	for part := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		name, params, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), ";")
		q := 1.0
		if value, given := strings.CutPrefix(strings.TrimSpace(params), "q="); given {
			var err error
			if q, err = strconv.ParseFloat(value, 64); err != nil || !(q >= 0 && q <= 1) {
				continue
			}
		}
		weight[strings.TrimSpace(name)] = q
	}
	best, most := "", 0.0
	for _, coding := range []string{codingZstd, codingGzip} {
		q, named := weight[coding]
		if !named {
			q = weight["*"]
		}
		if q > most {
			best, most = coding, q
		}
	}
	if plain, named := weight["identity"]; named && plain > most {
		return ""
	}
	return best
}

var (
	gzips = sync.Pool{New: func() any { w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed); return w }}
	zstds = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2))
	})
)

// coded compresses the body of an answer as the client asks.
func (c *call) coded(body []byte) []byte {
	if len(body) < worthCoding {
		return body
	}
	var out []byte
	coding := contentCoding(c.Request().Header.Values("Accept-Encoding"))
	switch coding {
	case codingZstd:
		e, err := zstds()
		if err != nil {
			return body
		}
		out = e.EncodeAll(body, make([]byte, 0, len(body)/4))
	case codingGzip:
		var b bytes.Buffer
		w, _ := gzips.Get().(*gzip.Writer)
		defer gzips.Put(w)
		w.Reset(&b)
		if _, err := w.Write(body); err != nil || w.Close() != nil {
			return body
		}
		out = b.Bytes()
	default:
		return body
	}
	c.set("Content-Encoding", coding)
	return out
}

// decoded is the request's body with its coding taken off, bounded before and
// after: what grows beyond the limit is refused as it grows.
func (c *call) decoded(limit int64) (io.ReadCloser, error) {
	raw := http.MaxBytesReader(c.Response(), c.Request().Body, limit)
	coding := strings.ToLower(strings.TrimSpace(c.header("Content-Encoding")))
	var plain io.ReadCloser
	switch coding {
	case "", "identity":
		return raw, nil
	case codingGzip, "x-gzip":
		r, err := gzip.NewReader(raw)
		if err != nil {
			return nil, badCoding(coding, err)
		}
		plain = r
	case codingZstd:
		r, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, badCoding(coding, err)
		}
		plain = r.IOReadCloser()
	default:
		return nil, issue.Errorf(issue.NotSupported, "Content-Encoding %q is not accepted; send the body as it is, or in gzip or zstd.", clip(coding)).
			WithStatus(415).At("Content-Encoding").Rule("http-content-encoding").Chinese("请求正文仅支持 gzip 或 zstd 压缩。")
	}
	return http.MaxBytesReader(c.Response(), codedBody{plain, coding}, limit), nil
}

// codedBody tells a body that is not in its coding from one that broke off.
type codedBody struct {
	io.ReadCloser
	coding string
}

func (b codedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = badCoding(b.coding, err)
	}
	return n, err
}

func badCoding(coding string, err error) error {
	if strings.Contains(err.Error(), "request body too large") {
		return err
	}
	return issue.Errorf(issue.Invalid, "The body is not sound %s.", coding).
		WithStatus(400).At("Content-Encoding").Rule("http-content-encoding").Chinese("请求正文的压缩格式有误。")
}
