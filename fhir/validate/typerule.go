package validate

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// ofTypes judges a value by the types that a profile leaves, and by the profile
// of its type.
func (w *walker) ofTypes(v value, e *element) bool {
	if v.typ == nil {
		return true
	}
	var urls, targets, modes []string
	fits, free, pointed := false, false, false
	for i := range e.types {
		t := &e.types[i]
		if t.typ == nil || !v.typ.Is(t.typ.Name) {
			continue
		}
		fits = true
		urls, targets, modes = append(urls, t.profiles...), append(targets, t.targets...), append(modes, t.modes...)
		free = free || len(t.profiles) == 0
		pointed = pointed || len(t.targets) > 0
	}
	if !fits {
		w.add(issue.Structure, "type-not-allowed", fmt.Sprintf("found the type %s, expected %s (%s)", v.typ.Name, e.codes(), e.owner),
			fmt.Sprintf("类型为 %s，应为 %s（%s）", v.typ.Name, e.codes(), e.owner))
		return false
	}
	if !free {
		w.oneOf(v, urls, e)
	}
	if v.typ.Name == "Reference" && (pointed || len(modes) > 0) {
		w.pointsTo(v, targets, modes, e)
	}
	return true
}

func (e *element) codes() string {
	var codes []string
	for _, t := range e.types {
		if !slices.Contains(codes, t.code) {
			codes = append(codes, t.code)
		}
	}
	return some(codes)
}

// oneOf wants a value to follow one of the profiles of its type.
func (w *walker) oneOf(v value, urls []string, e *element) {
	if len(urls) == 1 {
		w.ofProfile(v, urls[0], e)
		return
	}
	unknown := false
	for _, url := range urls {
		if !w.set.known(url) {
			unknown = true
		} else if w.conforms(v, url) {
			return
		}
	}
	if unknown {
		w.notFound(strings.Join(urls, ", "), e)
		return
	}
	w.add(issue.Structure, "profile-none", fmt.Sprintf("it follows none of the profiles %s (%s)", some(urls), e.owner),
		fmt.Sprintf("不符合以下任何规范：%s（%s）", some(urls), e.owner))
}

func (w *walker) ofProfile(v value, url string, e *element) {
	p := w.set.profile(url)
	if p == nil {
		if t := w.set.model.Defined(url); t != nil {
			w.ofBase(v, t.Name, url)
		} else if v.typ.Name != "Extension" { // an unknown extension is told of by itself
			w.notFound(url, e)
		}
		return
	}
	w.conform(v, p)
}

func (w *walker) notFound(url string, e *element) {
	w.warn(issue.NotFound, "profile-unknown", fmt.Sprintf("the profile %s could not be found, so it was not judged (%s)", url, e.owner),
		fmt.Sprintf("找不到规范 %s，未按其校验（%s）", url, e.owner))
}

// known tells whether a profile can be judged: it is in the library or names a
// base type.
func (s *Set) known(url string) bool {
	return s.model.Defined(url) != nil || s.profile(url) != nil
}

// pointsTo judges the target of a reference by its type and profiles, as far as
// it can be found.
func (w *walker) pointsTo(v value, targets, modes []string, e *element) {
	ref := v.node.Field("reference").Str()
	if len(modes) > 0 && ref != "" {
		w.aggregated(v, ref, modes, e)
	}
	if len(targets) == 0 {
		return
	}
	target, ok := w.resolved(v)
	if !ok {
		w.namedTarget(v, ref, targets, e)
		return
	}
	if slices.ContainsFunc(targets, func(url string) bool { return w.targetFits(target, url) }) {
		return
	}
	for _, url := range targets {
		if !w.set.known(url) {
			w.add(issue.NotFound, "profile-unknown", fmt.Sprintf("the profile %s, which the target must follow, could not be found (%s)", url, e.owner),
				fmt.Sprintf("找不到引用目标应符合的规范 %s（%s）", url, e.owner))
			return
		}
	}
	w.badTarget(target, targets, e)
}

// namedTarget judges by what the reference says of a target that is not here.
func (w *walker) namedTarget(v value, ref string, targets []string, e *element) {
	name, _ := w.set.literal(ref)
	if name == "" {
		if name = v.node.Field("type").Str(); !w.set.model.IsResource(name) {
			return
		}
	}
	var names []string
	for _, url := range targets {
		of := w.set.typeOf(url)
		if of == "" || w.set.model.Type(name).Is(of) {
			return
		}
		names = append(names, of)
	}
	w.add(issue.Structure, "reference-target", fmt.Sprintf("found a reference to %s, expected one to %s (%s)", name, some(names), e.owner),
		fmt.Sprintf("引用指向 %s，应指向 %s（%s）", name, some(names), e.owner))
}

// targetFits tells whether a resource follows a target profile.
func (w *walker) targetFits(target tree.Node, url string) bool {
	typ := w.set.typeIn(target)
	if typ == nil {
		return false
	}
	if t := w.set.model.Defined(url); t != nil {
		return typ.Is(t.Name)
	}
	if w.set.profile(url) == nil {
		return false
	}
	fits := false
	w.elsewhere(target, func() { fits = w.conforms(value{node: target, typ: typ}, url) })
	return fits
}

func (w *walker) badTarget(target tree.Node, targets []string, e *element) {
	typ := w.set.typeIn(target)
	if typ == nil {
		return
	}
	why := ""
	for _, url := range targets {
		p := w.set.profile(url)
		if p == nil || !typ.Is(p.def.Of) {
			continue
		}
		w.elsewhere(target, func() {
			if found := w.try(func() { w.conform(value{node: target, typ: typ}, p) }); len(found) > 0 {
				why = ": " + cutLong(found[0].String())
			}
		})
	}
	w.add(issue.Structure, "reference-profile", fmt.Sprintf("the reference points to a %s that is none of %s (%s)%s", typ.Name, some(targets), e.owner, why),
		fmt.Sprintf("引用指向的 %s 不符合 %s 中的任何一个（%s）%s", typ.Name, some(targets), e.owner, why))
}

// aggregated judges where the target of a reference lies.
// https://hl7.org/fhir/R4/valueset-resource-aggregation-mode.html
func (w *walker) aggregated(v value, ref string, modes []string, e *element) {
	mode := "referenced"
	if ref[0] == '#' {
		mode = "contained"
	} else if n, ok := w.inBundle(ref); ok && n.Exists() {
		mode = "bundled"
	}
	if slices.Contains(modes, mode) || mode == "bundled" && slices.Contains(modes, "referenced") {
		return
	}
	w.add(issue.Structure, "reference-aggregation", fmt.Sprintf("the target is %s, expected it to be %s (%s)", mode, strings.Join(modes, " or "), e.owner),
		fmt.Sprintf("引用目标的位置为 %s，应为 %s（%s）", mode, strings.Join(modes, " 或 "), e.owner))
}
