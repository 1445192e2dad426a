package rules

// https://hl7.org/fhir/R4/documents.html#content
// https://hl7.org/fhir/R4/messaging.html#bundle

import (
	"fmt"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// whole judges a document or message: what its first entry refers to is in it,
// and nothing is in it that does not belong to it.
func (b *bundle) whole() {
	if len(b.entries) == 0 || !b.entries[0].resource.Exists() {
		return // bdl-11, bdl-12
	}
	first := b.entries[0]
	at := first.place().child("resource")
	switch first.typ {
	case "Composition":
		for _, name := range []string{"subject", "encounter", "custodian", "author"} {
			b.requiredAll(first, first.resource, at, name)
		}
		b.below(first, first.resource, at, "attester", "party")
		b.below(first, first.resource, at, "event", "detail")
		b.sections(first, first.resource, at)
	case "MessageHeader":
		b.requiredAll(first, first.resource, at, "focus")
	default:
		return
	}
	b.connected()
}

// requiredAll wants the target of each reference of an element in the Bundle.
func (b *bundle) requiredAll(e *entry, n tree.Node, at *place, name string) {
	v := n.Field(name)
	if v.Kind() != tree.Array {
		b.required(e, v, at.child(name))
		return
	}
	i := 0
	for ref := range v.Items() {
		b.required(e, ref, at.item(name, i))
		i++
	}
}

func (b *bundle) below(e *entry, n tree.Node, at *place, parent, name string) {
	i := 0
	for p := range n.Field(parent).Items() {
		b.requiredAll(e, p, at.item(parent, i), name)
		i++
	}
}

func (b *bundle) sections(e *entry, n tree.Node, at *place) {
	i := 0
	for s := range n.Field("section").Items() {
		here := at.item("section", i)
		for _, name := range []string{"author", "focus", "entry"} {
			b.requiredAll(e, s, here, name)
		}
		b.sections(e, s, here)
		i++
	}
}

// connected follows the references from the first entry, forward, then
// backward; a stylesheet is there by its link.
func (b *bundle) connected() {
	for _, same := range b.byURL {
		for i := 1; i < len(same); i++ { // versions of one resource are one
			same[i-1].links = append(same[i-1].links, same[i])
		}
	}
	back := map[*entry][]*entry{}
	for _, e := range b.entries {
		b.connect(e)
		for _, to := range e.links {
			back[to] = append(back[to], e)
		}
	}
	seen := map[*entry]bool{}
	queue := b.spread(seen, b.entries[0])
	for l := range b.node.Field("link").Items() {
		if list := b.byID[text(l, "url")]; text(l, "relation") == "stylesheet" && len(list) > 0 {
			queue = append(queue, b.spread(seen, list[0])...)
		}
	}
	for len(queue) > 0 {
		e := queue[0]
		queue = queue[1:]
		for _, from := range back[e] {
			if !seen[from] {
				b.backward(from)
				queue = append(queue, b.spread(seen, from)...)
			}
		}
	}
	for _, e := range b.entries {
		if e.resource.Exists() && !seen[e] {
			b.orphan(e)
		}
	}
}

// spread marks an entry and all that it leads to, and lists what is new.
func (b *bundle) spread(seen map[*entry]bool, e *entry) []*entry {
	if seen[e] {
		return nil
	}
	seen[e] = true
	list := []*entry{e}
	for i := 0; i < len(list); i++ {
		for _, to := range list[i].links {
			if !seen[to] {
				seen[to] = true
				list = append(list, to)
			}
		}
	}
	return list
}

// connect notes the entries that an entry refers to: by Reference, and by any
// other URL that is an entry's fullUrl.
func (b *bundle) connect(e *entry) {
	t := b.c.Model.Type(e.typ)
	if t == nil {
		return
	}
	walk(b.c.Model, e.resource, t, nil, func(n tree.Node, t *schema.Type, at *place) bool {
		switch {
		case t.Is("Reference"):
			b.link(e, text(n, "reference"))
		case n.Kind() == tree.String && at.name != "system" && (t.Is("uri") || t.Is("url")):
			b.link(e, n.Str())
		}
		return true
	})
}

// link notes the first entry that a reference means; others have its fullUrl.
func (b *bundle) link(from *entry, reference string) {
	if to := b.resolve(from, reference); len(to) > 0 {
		from.links = append(from.links, to[0])
	}
}

// backward reports an entry that only refers to the others.
func (b *bundle) backward(e *entry) {
	switch {
	case e.typ == "Provenance":
	case b.kind == "message":
		b.c.inform(e.at(), issue.Informational, "bundle-entry-backward",
			fmt.Sprintf("nothing leads from the MessageHeader to this %s, which refers to what is in the message: is it meant to be sent?", e.typ),
			fmt.Sprintf("从 MessageHeader 无法到达此 %s，它只是引用消息中的资源，请确认是否应发送", e.typ))
	default:
		b.c.warn(e.at(), issue.Invalid, "bundle-entry-backward",
			fmt.Sprintf("nothing leads from the Composition to this %s: only a Provenance may be there because it refers to the others", e.typ),
			fmt.Sprintf("从 Composition 无法到达此 %s：只有 Provenance 可以仅凭引用其他条目而存在于文档中", e.typ))
	}
}

func (b *bundle) orphan(e *entry) {
	if b.kind == "message" {
		b.c.warn(e.at(), issue.Informational, "bundle-entry-orphan",
			fmt.Sprintf("this %s has no connection to the MessageHeader: refer to it, or leave it out", e.typ),
			fmt.Sprintf("此 %s 与 MessageHeader 没有任何关联，请引用它或删除", e.typ))
		return
	}
	b.c.fail(e.at(), issue.Informational, "bundle-entry-orphan",
		fmt.Sprintf("this %s (%s) has no connection to the Composition: refer to it, or leave it out", e.typ, issue.Quote(e.fullURL)),
		fmt.Sprintf("此 %s（%s）与 Composition 没有任何关联，请引用它或删除", e.typ, issue.Quote(e.fullURL)))
}
