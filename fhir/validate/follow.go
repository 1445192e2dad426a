package validate

import (
	"fmt"
	"slices"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// profiled judges a resource by the profiles that the caller asks for, that its
// meta names, that the specification prescribes for its code and that a guide
// prescribes for its type.
func (w *walker) profiled(n tree.Node, t *schema.Type, asked []string) {
	var room [8]*profile
	v, list := value{node: n, typ: t}, room[:0]
	for _, url := range asked {
		list = w.wanted(list, v, url)
	}
	i := 0
	for claimed := range n.Field("meta").Field("profile").Items() {
		if url := claimed.Str(); url != "" && i < maxClaimed {
			list = w.claimed(list, v, url, i)
		}
		i++
	}
	if t.Name == "Observation" {
		list = w.vital(list, n)
	}
	list = append(list, w.set.global()[t.Name]...)
	for _, p := range list {
		p.ready(w.set)
	}
	for i, p := range list {
		if !w.full() && !impliedBy(p, list, i) {
			w.conform(v, p)
		}
	}
}

// maxClaimed bounds how many profiles of a meta are judged.
const maxClaimed = 64

// impliedBy tells whether another profile of the list derives from p or is p.
func impliedBy(p *profile, list []*profile, i int) bool {
	for k, other := range list {
		if other == p && k < i || slices.Contains(other.above, p.def) {
			return true
		}
	}
	return false
}

// claimed adds a profile of a resource's meta to a list.
func (w *walker) claimed(list []*profile, v value, url string, i int) []*profile {
	if p := w.set.profile(url); p != nil {
		return append(list, p)
	}
	if t := w.set.model.Defined(url); t != nil {
		w.ofBase(v, t.Name, url)
		return list
	}
	w.push("meta", -1)
	w.push("profile", i)
	w.warn(issue.NotFound, "profile-unknown", "the profile "+quote(url)+" could not be found, so it was not judged: load the package that defines it, or correct the URL",
		"找不到规范 "+quote(url)+"，未按其校验：请加载定义它的包，或更正网址")
	w.pop()
	w.pop()
	return list
}

// wanted adds a profile that must be known to a list.
func (w *walker) wanted(list []*profile, v value, url string) []*profile {
	if p := w.set.profile(url); p != nil {
		return append(list, p)
	}
	if t := w.set.model.Defined(url); t != nil {
		w.ofBase(v, t.Name, url)
		return list
	}
	w.add(issue.NotFound, "profile-unknown", fmt.Sprintf("the profile %s could not be found: load the package that defines it, or correct the URL", quote(url)),
		fmt.Sprintf("找不到规范 %s：请加载定义它的包，或更正网址", quote(url)))
	return list
}

// follow judges a value by profiles that must be known.
func (w *walker) follow(v value, urls []string) {
	for _, url := range urls {
		for _, p := range w.wanted(nil, v, url) {
			w.conform(v, p)
		}
	}
}

// ofBase judges a value by a base type where the library lacks its definition.
func (w *walker) ofBase(v value, name, url string) {
	if v.typ != nil && !v.typ.Is(name) {
		w.wrongType(v, name, url)
	}
}

func (w *walker) wrongType(v value, want, url string) {
	w.add(issue.Structure, "profile-type", fmt.Sprintf("the profile %s is for %s, found a %s", url, want, v.typ.Name),
		fmt.Sprintf("规范 %s 用于 %s，实际为 %s", url, want, v.typ.Name))
}

// conform judges a value by a profile, once: a profile that comes back to a
// value that is being judged by it says nothing new.
func (w *walker) conform(v value, p *profile) {
	p.ready(w.set)
	if p.fault != "" {
		w.warn(issue.Exception, "profile-unjudged", fmt.Sprintf("the profile %s could not be judged: %s", p.def.Canonical(), cutLong(p.fault)),
			fmt.Sprintf("规范 %s 无法判定：%s", p.def.Canonical(), cutLong(p.fault)))
		return
	}
	if v.typ != nil && p.typ != nil && !v.typ.Is(p.typ.Name) {
		w.wrongType(v, p.typ.Name, p.def.Canonical())
		return
	}
	if p.root == nil || !v.node.Exists() && !v.twin.Exists() {
		return
	}
	key := underway{v.place(), p}
	for i := len(w.under) - 1; i >= 0; i-- {
		if w.under[i] == key {
			return
		}
	}
	if w.work--; w.work < 0 {
		w.tooMuch()
		return
	}
	w.under = append(w.under, key)
	w.within(v, p.root)
	w.under = w.under[:len(w.under)-1]
}

// underway is a value that is being judged by a profile.
type underway struct {
	node tree.Node
	of   *profile
}

// trial is the question whether a value follows a profile.
type trial struct {
	node tree.Node
	of   *profile
}

// conforms tells whether a value follows a profile, without a word.
func (w *walker) conforms(v value, url string) bool {
	p := w.set.profile(url)
	if p == nil {
		t := w.set.model.Defined(url)
		return t != nil && v.typ != nil && v.typ.Is(t.Name)
	}
	key := trial{v.place(), p}
	if known, ok := w.memo[key]; ok {
		return known
	}
	if w.memo == nil {
		w.memo = map[trial]bool{}
	}
	w.memo[key] = true // until the contrary is known: circles hold
	ok := len(w.try(func() { w.conform(v, p) })) == 0
	w.memo[key] = ok
	return ok
}

// try judges without reporting, and gives the errors.
func (w *walker) try(f func()) []issue.Issue {
	if w.work--; w.work < 0 || w.trials > 32 {
		w.work = min(w.work, -1)
		w.tooMuch()
		return nil
	}
	issues, errors, most := w.issues, w.errors, w.most
	w.issues, w.errors, w.most = nil, 0, 4
	w.trials++
	f()
	w.trials--
	var found []issue.Issue
	for _, is := range w.issues {
		if isError(is.Severity) {
			found = append(found, is)
		}
	}
	w.issues, w.errors, w.most = issues, errors, most
	return found
}
