package rules

// https://hl7.org/fhir/R4/bundle.html#references

import (
	"fmt"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// resolve finds the entry that a literal reference in an entry means; more
// than one when the Bundle does not tell which.
func (b *bundle) resolve(from *entry, reference string) []*entry {
	reference, _, _ = strings.Cut(reference, "#")
	url, version := reference, ""
	if !absolute(reference) {
		r, ok := readREST(b.c.Model, reference)
		root, known := b.root(from)
		if !ok || !known {
			return nil
		}
		r.root, version = root, r.version
		url = r.url()
	} else if before, v, found := strings.Cut(reference, "/_history/"); found {
		url, version = before, v
	}
	if version != "" {
		return b.byURL[url+"|"+version]
	}
	return b.byURL[url]
}

// root is what a relative reference in an entry is appended to: its fullUrl
// without Type/id. It is not known when the fullUrl does not end with them.
func (b *bundle) root(e *entry) (string, bool) {
	root, ok := strings.CutSuffix(e.fullURL, e.typ+"/"+e.id)
	return root, ok && e.id != "" && (root == "" || strings.HasSuffix(root, "/"))
}

// required reports a reference that the Bundle must hold the target of.
func (b *bundle) required(from *entry, ref tree.Node, at *place) {
	literal := text(ref, "reference")
	if literal == "" || literal[0] == '#' || len(b.resolve(from, literal)) > 0 {
		return
	}
	hint, chinese := "", ""
	if near := b.near(literal); near != nil {
		hint = fmt.Sprintf("; %s has that type and id, but the fullUrls %s and %s don't lead there", near.at()[1:], issue.Quote(from.fullURL), issue.Quote(near.fullURL))
		chinese = fmt.Sprintf("；%s 的类型与 id 相同，但按 fullUrl %s 与 %s 的规则不匹配", near.at()[1:], issue.Quote(from.fullURL), issue.Quote(near.fullURL))
	}
	b.c.fail(at.String(), issue.Invalid, "bundle-reference-missing",
		fmt.Sprintf("the %s does not hold %s, which it must%s", b.kind, issue.Quote(literal), hint),
		fmt.Sprintf("%s 中必须包含 %s，但未找到%s", b.kind, issue.Quote(literal), chinese))
}

// near is an entry of the type and id that a reference names, whatever its
// fullUrl.
func (b *bundle) near(literal string) *entry {
	r, ok := readREST(b.c.Model, literal)
	if !ok {
		return nil
	}
	if list := b.byID[r.typ+"/"+r.id]; len(list) > 0 {
		return list[0]
	}
	return nil
}

// maxReported bounds what is said of the references of one entry.
const maxReported = 20

// references judges the references in the entries: relative ones need a
// fullUrl, URNs a target in the Bundle, and one target only.
func (b *bundle) references() {
	for _, e := range b.entries {
		reported := 0
		b.each(e, func(ref tree.Node, at *place) {
			if reported < maxReported && b.reference(e, text(ref, "reference"), at) {
				reported++
			}
		})
	}
}

func (b *bundle) reference(e *entry, literal string, at *place) (reported bool) {
	if literal == "" || literal[0] == '#' {
		return false
	}
	if !absolute(literal) && e.fullURL == "" {
		return b.baseless(e, literal, at)
	}
	found := b.resolve(e, literal)
	switch {
	case len(found) > 1 && b.kind != "history":
		b.c.fail(at.String(), issue.MultipleMatches, "bundle-reference-ambiguous",
			fmt.Sprintf("found the reference %s, which %d entries answer to: refer to a version, or keep one entry", issue.Quote(literal), len(found)),
			fmt.Sprintf("引用 %s 对应 %d 个条目，请引用具体版本，或只保留一个条目", issue.Quote(literal), len(found)))
	case len(found) == 0 && (strings.HasPrefix(literal, "urn:uuid:") || strings.HasPrefix(literal, "urn:oid:")):
		b.c.warn(at.String(), issue.NotFound, "bundle-urn-unresolved",
			fmt.Sprintf("no entry has the fullUrl %s: nobody can follow the reference", issue.Quote(literal)),
			fmt.Sprintf("没有条目的 fullUrl 为 %s，该引用无法解析", issue.Quote(literal)))
	case len(found) == 1 && b.kind == "batch" && found[0] != e && text(found[0].node.Field("request"), "method") == "POST":
		b.c.warn(at.String(), issue.BusinessRule, "bundle-batch-reference",
			fmt.Sprintf("found the reference %s to another entry of the batch: entries of a batch must not depend on one another", issue.Quote(literal)),
			fmt.Sprintf("引用 %s 指向同一 batch 的其他条目，batch 的条目之间不得相互依赖", issue.Quote(literal)))
	default:
		return false
	}
	return true
}

// baseless reports a relative reference in an entry that has no fullUrl.
func (b *bundle) baseless(e *entry, literal string, at *place) (reported bool) {
	if b.based(e) {
		return false
	}
	if b.executed() && !e.reported {
		e.reported = true
		b.missing(e)
	}
	b.c.fail(at.String(), issue.Required, "bundle-reference-base",
		fmt.Sprintf("found the relative reference %s in an entry without fullUrl: it leads nowhere", issue.Quote(literal)),
		fmt.Sprintf("条目缺少 fullUrl，相对引用 %s 无法解析", issue.Quote(literal)))
	return true
}

// each visits the References in an entry's resource.
func (b *bundle) each(e *entry, visit func(ref tree.Node, at *place)) {
	t := b.c.Model.Type(e.typ)
	if e.typ == "Bundle" || t == nil {
		return
	}
	walk(b.c.Model, e.resource, t, e.place().child("resource"), func(n tree.Node, t *schema.Type, at *place) bool {
		if t.Is("Reference") {
			visit(n, at)
		}
		return true
	})
}
