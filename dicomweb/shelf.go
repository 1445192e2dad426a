package dicomweb

import (
	"container/list"
	"sync"

	"tenon/dicomweb/index"
)

// shelf keeps what was read a moment ago, up to a number of bytes; what was used
// last stays longest. Nothing is taken from it before the reach of the caller and
// the version of the ImagingStudy were read from the database.
type shelf[V any] struct {
	most  int // bytes
	mu    sync.Mutex
	order list.List // of *shelved[V], last used first
	by    map[string]*list.Element
	size  int
}

type shelved[V any] struct {
	key     string
	version index.Stamp
	value   V
	size    int
}

// get gives what was put under the key with this version.
func (s *shelf[V]) get(key string, version index.Stamp) (value V, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.by[key]
	if e == nil || e.Value.(*shelved[V]).version != version {
		return value, false
	}
	s.order.MoveToFront(e)
	return e.Value.(*shelved[V]).value, true
}

// put keeps a value in the place of the one before.
func (s *shelf[V]) put(key string, version index.Stamp, value V, size int) {
	size += len(key) + 256 // of the shelf itself
	if size > s.most/4 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string]*list.Element{}
	}
	if e := s.by[key]; e != nil {
		s.remove(e)
	}
	s.by[key] = s.order.PushFront(&shelved[V]{key, version, value, size})
	for s.size += size; s.size > s.most; {
		s.remove(s.order.Back())
	}
}

// drop forgets a key.
func (s *shelf[V]) drop(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.by[key]; e != nil {
		s.remove(e)
	}
}

func (s *shelf[V]) remove(e *list.Element) {
	old := s.order.Remove(e).(*shelved[V])
	delete(s.by, old.key)
	s.size -= old.size
}
