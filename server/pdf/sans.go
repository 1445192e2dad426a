package pdf

import (
	_ "embed"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// The font: see doc.go; made by generate.
//
//go:embed font/sans.ttf.zst
var packed []byte

// Sans is the font of the binary, unpacked when it is first used.
var Sans = sync.OnceValues(func() (*Font, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	data, err := d.DecodeAll(packed, nil)
	if err != nil {
		return nil, err
	}
	return ParseFont(data)
})
