package blob_test

import (
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"sync"

	"tenon/server/store/blob"
)

// disk is a file system in memory that remembers what fsync made durable. After
// powerLoss it holds that, and of the rest what chance left: whole sectors of
// some writes, and some of the names.
type disk struct {
	mu    sync.Mutex
	names map[string]*inode // as a process sees them
	kept  map[string]*inode // as the directories on the medium have them
	trace []string          // every call that changes something
	deaf  func(call string) bool
}

// unlock takes the locks from a process that died.
func (d *disk) unlock() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.names {
		n.locked = nil
	}
}

type inode struct {
	now, durable []byte
	dirty        [][2]int // ranges written since the last fsync
	locked       *handle
}

const sector = 512

func newDisk() *disk { return &disk{names: map[string]*inode{}, kept: map[string]*inode{}} }

func (d *disk) note(call string) { d.trace = append(d.trace, call) }

func (d *disk) Open(name string) (blob.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, ok := d.names[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &handle{d: d, n: n, name: name}, nil
}

func (d *disk) Write(name string) (blob.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, ok := d.names[name]
	if !ok {
		n = &inode{}
		d.names[name] = n
		d.note("create " + path.Base(name))
	}
	return &handle{d: d, n: n, name: name}, nil
}

func (d *disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names[to] = d.names[from]
	delete(d.names, from)
	d.note("rename " + path.Base(to))
	return nil
}

func (d *disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.names[name]; !ok {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	delete(d.names, name)
	d.note("remove " + path.Base(name))
	return nil
}

func (d *disk) List(dir string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for name := range d.names {
		if path.Dir(name) == dir {
			all = append(all, path.Base(name))
		}
	}
	return all, nil
}

func (d *disk) Mkdir(string) error { return nil }

func (d *disk) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	call := "syncdir " + path.Base(dir)
	if d.deaf != nil && d.deaf(call) {
		return nil
	}
	d.note(call)
	for name, n := range d.names {
		if path.Dir(name) == dir {
			d.kept[name] = n
		}
	}
	for name := range d.kept {
		if _, there := d.names[name]; !there && path.Dir(name) == dir {
			delete(d.kept, name)
		}
	}
	return nil
}

// powerLoss gives the disk as it is after power came back. With mercy 0 nothing
// survives that was not synced; else each sector and name does with that chance.
func (d *disk) powerLoss(r *rand.Rand, mercy float64) *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := newDisk()
	settled := map[*inode]*inode{}
	settle := func(n *inode) *inode {
		if settled[n] == nil {
			b := n.survive(r, mercy)
			settled[n] = &inode{now: b, durable: append([]byte(nil), b...)}
		}
		return settled[n]
	}
	for name, n := range d.kept {
		if _, there := d.names[name]; there || r.Float64() >= mercy {
			after.names[name] = settle(n)
		}
	}
	for name, n := range d.names {
		if d.kept[name] != n && r.Float64() < mercy {
			after.names[name] = settle(n)
		}
	}
	for name, n := range after.names {
		after.kept[name] = n
	}
	return after
}

func (n *inode) survive(r *rand.Rand, mercy float64) []byte {
	b := append([]byte(nil), n.durable...)
	if r.Float64() < mercy { // the new length came through, with holes
		length := len(n.now)
		if length > len(b) && r.Float64() < 0.5 {
			length = len(b) + r.IntN(length-len(b)+1)
		}
		for len(b) < length {
			b = append(b, 0)
		}
		b = b[:length]
	}
	for _, w := range n.dirty {
		for at := w[0] / sector * sector; at < w[1]; at += sector {
			if end := min(at+sector, len(b), len(n.now)); at < end && r.Float64() < mercy {
				copy(b[at:end], n.now[at:end])
			}
		}
	}
	return b
}

type handle struct {
	d    *disk
	n    *inode
	name string
}

func (h *handle) ReadAt(b []byte, at int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if at >= int64(len(h.n.now)) {
		return 0, io.EOF
	}
	n := copy(b, h.n.now[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handle) WriteAt(b []byte, at int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	end := int(at) + len(b)
	if end > len(h.n.now) {
		h.n.now = append(h.n.now, make([]byte, end-len(h.n.now))...)
	}
	copy(h.n.now[at:], b)
	h.n.dirty = append(h.n.dirty, [2]int{int(at), end})
	h.d.note("write " + path.Base(h.name))
	return len(b), nil
}

func (h *handle) Truncate(size int64) error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	h.n.now = append([]byte(nil), h.n.now[:size]...)
	return nil
}

func (h *handle) Sync() error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	call := "sync " + path.Base(h.name)
	if h.d.deaf != nil && h.d.deaf(call) {
		return nil
	}
	h.d.note(call)
	h.n.durable = append([]byte(nil), h.n.now...)
	h.n.dirty = nil
	return nil
}

func (h *handle) Size() (int64, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	return int64(len(h.n.now)), nil
}

func (h *handle) Lock(bool) (bool, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.n.locked != nil && h.n.locked != h {
		return false, nil
	}
	h.n.locked = h
	return true, nil
}

func (h *handle) Close() error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.n.locked == h {
		h.n.locked = nil
	}
	return nil
}
