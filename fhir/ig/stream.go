package ig

import (
	"errors"
	"fmt"
	"io"

	"tenon/fhir/issue"
)

// counted counts what is read of the package, and keeps the stream's own error.
type counted struct {
	r   io.Reader
	n   int64
	err error // other than the end
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// inflated bounds what comes out, whether it is wanted or skipped.
type inflated struct {
	z   io.Reader
	in  *counted
	lim Limits
	n   int64
	err error // other than the end
}

func (i *inflated) Read(p []byte) (int, error) {
	n, err := i.z.Read(p)
	i.n += int64(n)
	switch {
	case i.n > i.lim.Total:
		err = tooMuch("", i.lim.Total, "bytes when inflated", "解压后字节数")
	case i.n > ratioFrom && i.n/i.lim.Ratio > i.in.n:
		err = tooMuch("", i.lim.Ratio, "times its size when inflated", "解压倍数")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		i.err = err
	}
	return n, err
}

// broken tells a stream that failed from a package that is no archive.
func broken(err error, in *counted, layer string) error {
	if in.err != nil {
		return fmt.Errorf("ig: reading the package: %w", in.err)
	}
	if f := issue.As(err); f != nil {
		return f
	}
	return refuse("", "the package is no sound gzip-compressed tar archive ("+layer+"): it is cut off, damaged or something else", "包不是完整的 .tgz（gzip 压缩的 tar）文件", "package-archive")
}
