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

// NewLibrary makes a library. Of two resources of one type, URL and version the
// later one counts.
func NewLibrary(resources ...*Resource) *Library { return (*Library)(nil).With(resources...) }

// With is a library that holds these too. One that has the type, URL and
// version of another replaces it, and is superseded if that was.
func (l *Library) With(resources ...*Resource) *Library {
	next := l.layer(len(resources))
	for _, r := range resources {
		if old := next.remove(r); old != nil && old.Superseded && !r.Superseded {
			marked := *r
			marked.Superseded = true
			r = &marked
		}
		next.put(r)
	}
	return next.flatten()
}

// Without is a library that holds no resource of this type and canonical URL;
// without a version in it, no version of the resource.
func (l *Library) Without(resourceType, canonical string) *Library {
	next := l.layer(0)
	url, version, versioned := cut(canonical)
	for _, r := range l.versions(key{resourceType, url}) {
		if !versioned || r.Version == version {
			next.drop(r)
		}
	}
	return next.flatten()
}

func (l *Library) layer(size int) *Library {
	next := &Library{base: l, own: make(map[key][]*Resource, size), order: make([]*Resource, 0, size)}
	if l != nil {
		next.depth = l.depth + 1
	}
	return next
}

func (l *Library) drop(r *Resource) {
	if l.gone == nil {
		l.gone = map[*Resource]bool{}
	}
	l.gone[r] = true
}

// remove takes out what has the type, URL and version of r, and gives it.
func (l *Library) remove(r *Resource) *Resource {
	k := key{r.Type, r.URL}
	at := slices.IndexFunc(l.own[k], func(other *Resource) bool { return other.Version == r.Version })
	if at >= 0 {
		old := l.own[k][at]
		l.own[k] = slices.Delete(l.own[k], at, at+1)
		l.order = slices.DeleteFunc(l.order, func(other *Resource) bool { return other == old })
		return old
	}
	old := l.base.best(k, exactly(r.Version))
	if old != nil {
		l.drop(old)
	}
	return old
}

// put keeps own in order; no two of a key have the same version.
func (l *Library) put(r *Resource) {
	k := key{r.Type, r.URL}
	at, _ := slices.BinarySearchFunc(l.own[k], r, better)
	l.own[k] = slices.Insert(l.own[k], at, r)
	l.order = append(l.order, r)
}

// better orders what a URL without version means: what was not published anew
// before what was, then what is in use before what is retired, then the newest
// version. It is 0 for equal versions only.
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

// cut takes a canonical URL apart; a fragment is left out.
func cut(canonical string) (url, version string, versioned bool) {
	canonical, _, _ = strings.Cut(canonical, "#")
	return strings.Cut(canonical, "|")
}

// Find gives the resource that a canonical URL names: "url|1.0" that version,
// "url|1" or "url|1.0" the newest one that begins so where none is equal, "url"
// the newest. A fragment is ignored. It is nil when there is none.
func (l *Library) Find(resourceType, canonical string) *Resource {
	url, version, versioned := cut(canonical)
	k := key{resourceType, url}
	if !versioned {
		return l.best(k, choice{})
	}
	if found := l.best(k, exactly(version)); found != nil || version == "" {
		return found
	}
	return l.best(k, choice{version: version, part: true})
}

// choice says which versions count: all of them, one, or those that begin with
// these parts.
type choice struct {
	version   string
	one, part bool
}

func exactly(version string) choice { return choice{version: version, one: true} }

func (c choice) fits(r *Resource) bool {
	if c.part {
		rest, ok := strings.CutPrefix(r.Version, c.version)
		return ok && strings.HasPrefix(rest, ".")
	}
	return !c.one || r.Version == c.version
}

// best is the first of versions that counts, without making a list.
func (l *Library) best(k key, c choice) *Resource {
	var found *Resource
	for at := l; at != nil; at = at.base {
		for _, r := range at.own[k] {
			if c.fits(r) && !l.hides(at, r) {
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

// Versions lists all versions of a definition, what Find prefers first.
func (l *Library) Versions(resourceType, url string) []*Resource {
	list := l.versions(key{resourceType, url})
	slices.SortFunc(list, better)
	return list
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
		for _, at := range slices.Backward(l.layers()) {
			for _, r := range at.order {
				if (resourceType == "" || r.Type == resourceType) && !l.hides(at, r) && !yield(r) {
					return
				}
			}
		}
	}
}

// layers lists the library's layers, the newest first.
func (l *Library) layers() []*Library {
	var list []*Library
	for at := l; at != nil; at = at.base {
		list = append(list, at)
	}
	return list
}
