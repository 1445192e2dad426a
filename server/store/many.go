package store

import (
	"fmt"
	"sync"
	"time"
)

// many remembers which selects of a reach found more than can be listed, so that
// not every search of a person who reaches much begins with finding that out
// again. It decides on the way of a search alone, never on what is found: a reach
// that has become little meanwhile is walked for a while, not listed.
type many struct {
	mu   sync.Mutex
	till map[string]time.Time
}

// Bounds of what is remembered.
const (
	manyLife = time.Minute
	manyMost = 10_000
)

func (m *many) knows(key string, now time.Time) bool {
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return now.Before(m.till[key])
}

func (m *many) learn(key string, now time.Time) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.till == nil || len(m.till) >= manyMost {
		m.till = map[string]time.Time{}
	}
	m.till[key] = now.Add(manyLife)
}

// keyOf is a select with its values.
func keyOf(sets []*statement) string {
	key := ""
	for _, s := range sets {
		key += s.sql() + fmt.Sprintf("%q;", s.args)
	}
	return key
}
