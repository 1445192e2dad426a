package r4

import (
	"compress/flate"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

// cached is how many bytes of inflated blocks an archive keeps. The largest
// block, DICOM's code system, has 1.1 MB; most have 64 kB.
const cached = 4 << 20

// archive inflates blocks when they are asked for and keeps the last ones. It
// is safe for concurrent use.
type archive struct {
	file   string
	blocks []block

	mu    sync.Mutex
	kept  []inflated // the last used first
	room  int        // bytes that may be kept
	taken int
}

// block is where one deflated block lies, and what it inflates to.
type block struct{ start, end, size int }

// inflated is the content of a block.
type inflated struct {
	block int
	body  []byte
}

// span is where a resource lies in the content of a block.
type span struct{ block, start, end int }

func newArchive(file string, room int) *archive { return &archive{file: file, room: room} }

// add notes the block that follows those that are known.
func (a *archive) add(deflated, size string) (int, error) {
	b := block{}
	if n := len(a.blocks); n > 0 {
		b.start = a.blocks[n-1].end
	}
	length, err := strconv.Atoi(deflated)
	if err != nil {
		return 0, err
	}
	if b.size, err = strconv.Atoi(size); err != nil {
		return 0, err
	}
	b.end = b.start + length
	if length <= 0 || b.size <= 0 || b.end > len(a.file) {
		return 0, fmt.Errorf("the block of %s bytes is not inside the file", deflated)
	}
	a.blocks = append(a.blocks, b)
	return len(a.blocks) - 1, nil
}

func (a *archive) size(block int) int {
	if block >= len(a.blocks) {
		return 0
	}
	return a.blocks[block].size
}

// read gives the bytes of a resource, which share the memory of its block.
func (a *archive) read(at span) ([]byte, error) {
	body, err := a.content(at.block)
	if err != nil {
		return nil, err
	}
	return body[at.start:at.end:at.end], nil
}

func (a *archive) content(number int) ([]byte, error) {
	if body := a.recall(number); body != nil {
		return body, nil
	}
	b := a.blocks[number]
	body := make([]byte, b.size)
	z := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(z)
	if err := z.(flate.Resetter).Reset(strings.NewReader(a.file[b.start:b.end]), nil); err != nil {
		return nil, fmt.Errorf("r4: block %d: %w", number, err)
	}
	if _, err := io.ReadFull(z, body); err != nil {
		return nil, fmt.Errorf("r4: block %d: %w", number, err)
	}
	a.keep(number, body)
	return body, nil
}

// inflaters are used again: each has a window of 32 kB.
var inflaters = sync.Pool{New: func() any { return flate.NewReader(strings.NewReader("")) }}

// recall gives a block that is kept and makes it the last used one.
func (a *archive) recall(number int) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, k := range a.kept {
		if k.block == number {
			copy(a.kept[1:i+1], a.kept[:i])
			a.kept[0] = k
			return k.body
		}
	}
	return nil
}

// keep puts a block first and lets go of the last ones until all fit. Two that
// inflated the same block at once keep it once.
func (a *archive) keep(number int, body []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, k := range a.kept {
		if k.block == number {
			return
		}
	}
	if len(body) > a.room {
		return
	}
	for a.taken+len(body) > a.room {
		last := len(a.kept) - 1
		a.taken -= len(a.kept[last].body)
		a.kept[last] = inflated{}
		a.kept = a.kept[:last]
	}
	a.taken += len(body)
	a.kept = append(a.kept, inflated{})
	copy(a.kept[1:], a.kept)
	a.kept[0] = inflated{number, body}
}
