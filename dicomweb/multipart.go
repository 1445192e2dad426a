package dicomweb

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// partsWriter writes a multipart/related answer (RFC 2387). The status goes out
// with the first part, so that an error before it can still be told.
type partsWriter struct {
	w        http.ResponseWriter
	boundary string
	typ      string
	begun    bool
}

func newParts(w http.ResponseWriter, typ string) *partsWriter {
	return &partsWriter{w: w, typ: typ, boundary: "tenon-" + rand.Text()}
}

// part writes one part of size bytes; a negative size is not told.
func (p *partsWriter) part(contentType, location string, size int64, body io.Reader) error {
	if !p.begun {
		p.begun = true
		p.w.Header().Set("Content-Type", fmt.Sprintf(`multipart/related; type="%s"; boundary=%s`, p.typ, p.boundary))
		p.w.WriteHeader(http.StatusOK)
	}
	if _, err := io.WriteString(p.w, p.head(contentType, location, size)); err != nil {
		return err
	}
	n, err := io.Copy(p.w, body)
	if err == nil && size >= 0 && n != size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (p *partsWriter) head(contentType, location string, size int64) string {
	head := "\r\n--" + p.boundary + "\r\nContent-Type: " + contentType + "\r\n"
	if location != "" {
		head += "Content-Location: " + location + "\r\n"
	}
	if size >= 0 {
		head += "Content-Length: " + strconv.FormatInt(size, 10) + "\r\n"
	}
	return head + "\r\n"
}

func (p *partsWriter) tail() string { return "\r\n--" + p.boundary + "--\r\n" }

// only writes the only part; its length tells that of the answer.
func (p *partsWriter) only(contentType, location string, size int64, body io.Reader) error {
	if !p.begun {
		whole := int64(len(p.head(contentType, location, size))) + size + int64(len(p.tail()))
		p.w.Header().Set("Content-Length", strconv.FormatInt(whole, 10))
	}
	return p.part(contentType, location, size, body)
}

// end closes the answer. An error after the first part can only be told by
// breaking the connection, so that nobody takes half an answer for the whole.
func (p *partsWriter) end(err error) error {
	switch {
	case err != nil && p.begun:
		panic(http.ErrAbortHandler)
	case err != nil:
		return err
	case !p.begun:
		return notAcceptable("no instance is stored in that transfer syntax, and none is converted")
	}
	_, err = io.WriteString(p.w, p.tail())
	return ignore(err)
}
