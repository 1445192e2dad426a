package definition

import (
	"iter"
	"slices"
	"strings"
)

// Library finds conformance resources. Its zero value and nil hold none. It is
// immutable and safe for concurrent use.
type Library struct {
	base  *Library // asked after own, nil at the bottom
	depth int
	own   map[key][]*Resource // the best first
	gone  map[*Resource]bool  // of base, replaced or taken out
	order []*Resource         // own in the order in which they came
}

type key struct{ typ, url string }

// maxDepth is how many layers are searched before they are made one.
const maxDepth = 8

// NewLibrary makes a library. Of two resources of one type, URL and version the
// later one counts.
func NewLibrary(resources ...*Resource) *Library { return (*Library)(nil).With(resources...) }

// With is a library that holds these too. One that has the type, URL and
// version of another replaces it.
func (l *Library) With(resources ...*Resource) *Library {
	next := &Library{base: l, own: make(map[key][]*Resource, len(resources))}
	if l != nil {
		next.depth = l.depth + 1
	}
	for _, r := range resources {
		next.remove(r.Type, r.Canonical())
		next.put(r)
	}
	return next.flatten()
}

// Without is a library that holds no resource of this type and canonical URL;
// without a version in it, no version of the resource.
func (l *Library) Without(resourceType, canonical string) *Library {
	next := &Library{base: l, own: map[key][]*Resource{}}
	if l != nil {
		next.depth = l.depth + 1
	}
	url, version, versioned := strings.Cut(canonical, "|")
	for _, r := range l.versions(key{resourceType, url}) {
		if !versioned || r.Version == version {
			next.drop(r)
		}
	}
	return next.flatten()
}

func (l *Library) drop(r *Resource) {
	if l.gone == nil {
		l.gone = map[*Resource]bool{}
	}
	l.gone[r] = true
}

func (l *Library) remove(typ, canonical string) {
	url, version, _ := strings.Cut(canonical, "|")
	k := key{typ, url}
	for _, r := range l.base.versions(k) {
		if r.Version == version {
			l.drop(r)
		}
	}
	same := func(r *Resource) bool { return r.Version == version }
	if slices.ContainsFunc(l.own[k], same) {
		l.own[k] = slices.DeleteFunc(l.own[k], same)
		l.order = slices.DeleteFunc(l.order, func(r *Resource) bool {
			return r.Type == typ && r.URL == url && same(r)
		})
	}
}

func (l *Library) put(r *Resource) {
	k := key{r.Type, r.URL}
	l.own[k] = append(l.own[k], r)
	slices.SortStableFunc(l.own[k], better)
	l.order = append(l.order, r)
}

// better orders what a URL without version means: what was not published anew
// before what was, then what is in use before what is retired, then the newest
// version.
func better(a, b *Resource) int {
	if a.Superseded != b.Superseded {
		if a.Superseded {
			return 1
		}
		return -1
	}
	if (a.Status == "retired") != (b.Status == "retired") {
		if a.Status == "retired" {
			return 1
		}
		return -1
	}
	return compareVersions(b.Version, a.Version)
}

// flatten makes one layer of many, so that a look-up stays short however often
// something is added.
func (l *Library) flatten() *Library {
	if l.depth < maxDepth {
		return l
	}
	flat := &Library{own: map[key][]*Resource{}}
	for r := range l.All("") {
		k := key{r.Type, r.URL}
		flat.own[k] = append(flat.own[k], r)
		flat.order = append(flat.order, r)
	}
	for _, list := range flat.own {
		slices.SortStableFunc(list, better)
	}
	return flat
}

// Find gives the resource that a canonical URL names: "url|1.0" that version,
// "url|1" or "url|1.0" the newest one that begins so where none is equal, "url"
// the newest. A fragment is ignored. It is nil when there is none.
func (l *Library) Find(resourceType, canonical string) *Resource {
	canonical, _, _ = strings.Cut(canonical, "#")
	url, version, versioned := strings.Cut(canonical, "|")
	k := key{resourceType, url}
	if !versioned {
		return l.best(k)
	}
	list := l.versions(k)
	slices.SortStableFunc(list, better)
	for _, r := range list {
		if r.Version == version {
			return r
		}
	}
	for _, r := range list {
		if strings.HasPrefix(r.Version, version+".") {
			return r
		}
	}
	return nil
}

// Versions lists all versions of a definition, what Find prefers first.
func (l *Library) Versions(resourceType, url string) []*Resource {
	list := l.versions(key{resourceType, url})
	slices.SortStableFunc(list, better)
	return list
}

// best is the first of Versions without making a list.
func (l *Library) best(k key) *Resource {
	var found *Resource
	for at := l; at != nil; at = at.base {
		for _, r := range at.own[k] {
			if !l.hides(at, r) {
				if found == nil || better(r, found) < 0 {
					found = r
				}
				break
			}
		}
	}
	return found
}

// hides tells whether a layer above the one that holds r took it out.
func (l *Library) hides(holder *Library, r *Resource) bool {
	for at := l; at != holder; at = at.base {
		if at.gone[r] {
			return true
		}
	}
	return false
}

func (l *Library) versions(k key) []*Resource {
	var list []*Resource
	for at := l; at != nil; at = at.base {
		for _, r := range at.own[k] {
			if !l.hides(at, r) {
				list = append(list, r)
			}
		}
	}
	return list
}

// All yields every resource of a type, of all types for "", in the order in
// which they came.
func (l *Library) All(resourceType string) iter.Seq[*Resource] {
	return func(yield func(*Resource) bool) {
		var layers []*Library
		for at := l; at != nil; at = at.base {
			layers = append(layers, at)
		}
		for _, at := range slices.Backward(layers) {
			for _, r := range at.order {
				if (resourceType == "" || r.Type == resourceType) && !l.hides(at, r) && !yield(r) {
					return
				}
			}
		}
	}
}
