package dicomweb

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// Data sets go out compressed where the client takes gzip. Pixels do not: they
// hardly shrink, and slices of stored bytes are cheap only as they are.
// https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3

var gzips = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // a level that exists cannot fail
	return z
}}

// compressed gives where to write an answer, and what ends it. It sets the
// header, so nothing is written before.
func compressed(w http.ResponseWriter, r *http.Request) (io.Writer, func() error) {
	if !takesGzip(r.Header.Values("Accept-Encoding")) {
		return w, func() error { return nil }
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := gzips.Get().(*gzip.Writer)
	z.Reset(w)
	return z, func() error {
		err := z.Close()
		gzips.Put(z)
		return err
	}
}

// minGzip is the length from which a body is worth it.
const minGzip = 1024

// writeBody writes a body whose type is set already.
func writeBody(w http.ResponseWriter, r *http.Request, body []byte) error {
	if len(body) < minGzip {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, err := w.Write(body)
		return ignore(err)
	}
	out, end := compressed(w, r)
	_, err := out.Write(body)
	if err == nil {
		err = end()
	}
	return ignore(err)
}

// takesGzip reads Accept-Encoding; a quality of nought refuses.
func takesGzip(headers []string) bool {
	for _, header := range headers {
		for coding := range strings.SplitSeq(header, ",") {
			name, parameters, _ := strings.Cut(coding, ";")
			name = strings.ToLower(strings.TrimSpace(name))
			if name != "gzip" && name != "*" {
				continue
			}
			q, ok := strings.CutPrefix(strings.TrimSpace(parameters), "q=")
			f, err := strconv.ParseFloat(q, 64)
			return !ok || err == nil && f > 0
		}
	}
	return false
}
