package rules

// https://hl7.org/fhir/R4/search.html#return

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// search judges a searchset: what is found carries ids and is of the types
// that were asked for, outcomes are OperationOutcomes.
func (b *bundle) search() {
	self, types := b.asked()
	if self == "" {
		b.c.warn("", issue.Invalid, "bundle-search-self",
			"the searchset has no self link: say which search was answered",
			"检索结果没有 self 链接，请说明所执行的检索")
	}
	matches, modes := 0, 0
	for _, e := range b.entries {
		mode := text(e.node.Field("search"), "mode")
		if mode != "" {
			modes++
		}
		if mode != "include" && mode != "outcome" && e.typ != "OperationOutcome" {
			matches++
		}
		b.found(e, mode, types)
	}
	if modes < len(b.entries) {
		b.c.warn("", issue.Invalid, "bundle-search-mode",
			fmt.Sprintf("%d of %d entries have no search.mode: say what was matched and what is included", len(b.entries)-modes, len(b.entries)),
			fmt.Sprintf("%d/%d 个条目没有 search.mode，请说明是匹配结果还是附带资源", len(b.entries)-modes, len(b.entries)))
	}
	if total := b.node.Field("total"); total.Kind() == tree.Number {
		if n, err := strconv.Atoi(total.Text()); err == nil && n < matches {
			b.c.warn(".total", issue.Value, "bundle-search-total",
				fmt.Sprintf("found a total of %d, but this page alone has %d matches", n, matches),
				fmt.Sprintf("total 为 %d，但仅本页就有 %d 个匹配", n, matches))
		}
	}
}

// found judges one entry by its mode; "" is judged mildly.
func (b *bundle) found(e *entry, mode string, types []string) {
	if !e.resource.Exists() {
		b.c.fail(e.at(), issue.Invalid, "bundle-search-resource",
			"the entry has no resource: a searchset holds what was found", "检索结果的条目必须包含资源")
		return
	}
	at := e.resourcePlace()
	if mode == "outcome" {
		if e.typ != "OperationOutcome" {
			b.c.fail(at, issue.Invalid, "bundle-search-outcome",
				fmt.Sprintf("found a %s with the mode outcome, expected an OperationOutcome", e.typ),
				fmt.Sprintf("模式为 outcome，但资源为 %s，应为 OperationOutcome", e.typ))
		}
		return
	}
	report := b.c.fail
	if mode == "" {
		if report = b.c.warn; e.typ == "OperationOutcome" {
			return
		}
	}
	if e.id == "" {
		report(at, issue.Invalid, "bundle-search-id",
			fmt.Sprintf("the %s that was found has no id", e.typ), fmt.Sprintf("检索到的 %s 没有 id", e.typ))
	}
	if mode != "include" && len(types) > 0 && !slices.Contains(types, e.typ) {
		report(at, issue.Invalid, "bundle-search-type",
			fmt.Sprintf("found a %s, but the search was for %s", e.typ, list(types)),
			fmt.Sprintf("资源类型为 %s，而检索的类型为 %s", e.typ, list(types)))
	}
}

// asked reads the types that the self link tells; none when it does not.
func (b *bundle) asked() (self string, types []string) {
	for l := range b.node.Field("link").Items() {
		if text(l, "relation") == "self" && self == "" {
			self = text(l, "url")
		}
	}
	path, query, _ := strings.Cut(self, "?")
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/"), "/_search")
	if name := path[strings.LastIndexByte(path, '/')+1:]; b.c.Model.IsResource(name) {
		return self, []string{name}
	}
	for part := range strings.SplitSeq(query, "&") {
		if value, ok := strings.CutPrefix(part, "_type="); ok {
			for t := range strings.SplitSeq(strings.ReplaceAll(value, "%2C", ","), ",") {
				types = append(types, t)
			}
		}
	}
	return self, types
}
