package mesh

import (
	"errors"
	"fmt"
	"io"

	"tenon/fhir/issue"
)

const bufferSize = 64 << 10

// input is a window over a reader: buf[pos:end] has been read and not used.
type input struct {
	r        io.Reader
	buf      []byte
	pos, end int
	total    int64 // bytes that have arrived
	limit    int64
	err      error // io.EOF or why there is no more
}

// fill moves the rest of the window to its front and reads more. It reports
// false when nothing more comes or the window is full.
func (in *input) fill() bool {
	if in.err != nil {
		return false
	}
	if in.pos > 0 {
		in.end = copy(in.buf, in.buf[in.pos:in.end])
		in.pos = 0
	}
	if in.end == len(in.buf) {
		return false
	}
	for range 100 { // a reader may answer 0, nil a few times
		n, err := in.r.Read(in.buf[in.end:])
		in.end += n
		in.total += int64(n)
		if in.total > in.limit {
			err = in.tooLong()
		}
		in.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	in.err = io.ErrNoProgress
	return false
}

// drain reads to the end of the input and forgets it.
func (in *input) drain() {
	for {
		in.pos = in.end
		if !in.fill() {
			return
		}
	}
}

func (in *input) tooLong() error {
	return refuse(issue.TooLong, "stl-limit",
		fmt.Sprintf("the file is longer than the limit of %d bytes; simplify or split the model", in.limit),
		fmt.Sprintf("文件超过 %d 字节的上限，请简化或拆分模型", in.limit))
}

// failure is the reason why the input ended, when that is not its plain end.
func (in *input) failure() error {
	if in.err == nil || errors.Is(in.err, io.EOF) {
		return nil
	}
	if f := issue.As(in.err); f != nil {
		return f
	}
	return fmt.Errorf("mesh: read after %d bytes: %w", in.total, in.err)
}
