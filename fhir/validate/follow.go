package validate

import (
	"fmt"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// profiled judges a resource by the profiles that its meta names, that the
// caller asks for, and that the specification prescribes for its code.
func (w *walker) profiled(n tree.Node, t *schema.Type, asked []string) {
	v := value{node: n, typ: t}
	w.follow(v, asked)
	i := 0
	for claimed := range n.Field("meta").Field("profile").Items() {
		if url := claimed.Str(); url != "" && !w.full() {
			w.claimed(v, url, i)
		}
		i++
	}
	if t.Name == "Observation" {
		w.vital(v)
	}
	for _, p := range w.set.global()[t.Name] {
		w.conform(v, p)
	}
}

// claimed judges a resource by a profile of its meta.
func (w *walker) claimed(v value, url string, i int) {
	p := w.set.profile(url)
	if p == nil {
		if t := w.set.model.Defined(url); t != nil {
			w.ofBase(v, t.Name, url)
			return
		}
		w.push("meta", -1)
		w.push("profile", i)
		w.warn(issue.NotFound, "profile-unknown", fmt.Sprintf("the profile %s could not be found, so it was not judged: load the package that defines it, or correct the URL", quote(url)),
			fmt.Sprintf("找不到规范 %s，未按其校验：请加载定义它的包，或更正网址", quote(url)))
		w.pop()
		w.pop()
		return
	}
	w.conform(v, p)
}

// follow judges a value by profiles that must be known.
func (w *walker) follow(v value, urls []string) {
	for _, url := range urls {
		if p := w.set.profile(url); p != nil {
			w.conform(v, p)
		} else if t := w.set.model.Defined(url); t != nil {
			w.ofBase(v, t.Name, url)
		} else {
			w.add(issue.NotFound, "profile-unknown", fmt.Sprintf("the profile %s could not be found: load the package that defines it, or correct the URL", quote(url)),
				fmt.Sprintf("找不到规范 %s：请加载定义它的包，或更正网址", quote(url)))
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
	key := underway{v.node, p}
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
	key := trial{v.node, p}
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
