package record

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"

	"tenon/fhir/issue"
)

// Lines reads NDJSON, plain or in gzip, a line at a time.
// https://github.com/ndjson/ndjson-spec
type Lines struct {
	from *bufio.Reader
	next func() (Line, error) // in its place, where lines come from elsewhere
	n    int64
	most int
	held *Line // read, and given back
}

// MostLine is the longest line of an import, in bytes.
const MostLine = 16 << 20

// NewLines reads lines of up to most bytes, MostLine if it is 0.
func NewLines(r io.Reader, most int) (*Lines, error) {
	from := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := from.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		zip, err := gzip.NewReader(from)
		if err != nil {
			return nil, badLines(err)
		}
		from = bufio.NewReaderSize(zip, 64<<10)
	}
	return &Lines{from: from, most: orElse(most, MostLine)}, nil
}

// LinesOf are lines that next gives; io.EOF at the end.
func LinesOf(next func() (Line, error)) *Lines { return &Lines{next: next} }

func badLines(err error) error {
	return issue.Errorf(issue.Invalid, "The input is not sound gzip or broke off: %s.", err).WithStatus(400).Rule("import-input").Chinese("输入不完整或压缩格式有误。")
}

// Next is the next line that is not blank; io.EOF at the end. A line that is too
// long comes with its fault and without its bytes.
func (l *Lines) Next() (Line, error) {
	if held := l.held; held != nil {
		l.held, l.n = nil, held.N
		return *held, nil
	}
	if l.next != nil {
		line, err := l.next()
		l.n = line.N
		return line, err
	}
	for {
		body, long, err := l.read()
		if err != nil && (!errors.Is(err, io.EOF) || len(body) == 0 && !long) {
			if !errors.Is(err, io.EOF) {
				err = badLines(err)
			}
			return Line{}, err
		}
		l.n++
		if long {
			return Line{N: l.n, Fault: issue.Errorf(issue.TooLong, "The line is longer than %d bytes.", l.most).Rule("import-line").Chinese("该行超过长度上限。")}, nil
		}
		if body = bytes.TrimSpace(body); len(body) > 0 {
			return Line{N: l.n, Body: body}, nil
		}
	}
}

// read reads up to the end of a line; of one that is too long it keeps nothing.
func (l *Lines) read() (body []byte, long bool, err error) {
	for {
		piece, err := l.from.ReadSlice('\n')
		if !long {
			body = append(body, piece...)
		}
		if len(body) > l.most+1 {
			long, body = true, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return body, long, err
		}
	}
}

// Skip passes over lines up to a number.
func (l *Lines) Skip(to int64) error {
	for l.n < to {
		if _, err := l.Next(); err != nil {
			return err
		}
	}
	return nil
}

// back gives a line back, to be the next one.
func (l *Lines) back(line Line) { l.n, l.held = line.N-1, &line }
