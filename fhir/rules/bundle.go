package rules

// https://hl7.org/fhir/R4/bundle.html

import (
	"fmt"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// bundle is a Bundle, read once.
type bundle struct {
	c       *Context
	node    tree.Node
	kind    string
	entries []*entry
	byURL   map[string][]*entry // by fullUrl, and by fullUrl|versionId
	byID    map[string][]*entry // by Type/id
}

// entry is one entry of a Bundle.
type entry struct {
	node, resource   tree.Node
	index            int
	fullURL, typ, id string
	links            []*entry // what it refers to
	reported         bool     // that its fullUrl is missing
}

func (e *entry) place() *place         { return (*place)(nil).item("entry", e.index) }
func (e *entry) at() string            { return under("", "entry", e.index) }
func (e *entry) resourcePlace() string { return e.at() + ".resource" }

func bundleRule(c *Context, n tree.Node) {
	b := &bundle{c: c, node: n, kind: text(n, "type"), byURL: map[string][]*entry{}, byID: map[string][]*entry{}}
	for e := range n.Field("entry").Items() {
		r := e.Field("resource")
		b.entries = append(b.entries, &entry{
			node: e, resource: r, index: len(b.entries),
			fullURL: text(e, "fullUrl"), typ: text(r, "resourceType"), id: text(r, "id"),
		})
	}
	for _, e := range b.entries {
		if e.fullURL != "" {
			b.byURL[e.fullURL] = append(b.byURL[e.fullURL], e)
			if v := text(e.resource.Field("meta"), "versionId"); v != "" {
				b.byURL[e.fullURL+"|"+v] = append(b.byURL[e.fullURL+"|"+v], e)
			}
		}
		if e.id != "" {
			b.byID[e.typ+"/"+e.id] = append(b.byID[e.typ+"/"+e.id], e)
		}
	}
	b.links()
	for _, e := range b.entries {
		b.identity(e)
	}
	switch b.kind {
	case "document", "message":
		b.whole()
	case "searchset":
		b.search()
	case "transaction", "batch":
		b.requests()
	}
	b.responses()
	b.references()
	b.signature()
}

// based tells whether relative references in an entry without fullUrl have a
// base: the server's that executes the Bundle, for what it is yet to create or
// did.
func (b *bundle) based(e *entry) bool {
	switch b.kind {
	case "transaction", "batch":
		method := text(e.node.Field("request"), "method")
		return method == "POST" || method == ""
	}
	return b.executed()
}

// executed tells whether the Bundle is a request or its answer, whose entries
// need no identity.
func (b *bundle) executed() bool {
	switch b.kind {
	case "transaction", "batch", "transaction-response", "batch-response":
		return true
	}
	return false
}

// identity judges fullUrl by itself and against the resource.
// https://hl7.org/fhir/R4/bundle.html#bundle-unique
func (b *bundle) identity(e *entry) {
	switch {
	case e.fullURL == "":
		if e.resource.Exists() && !b.executed() && e.typ != "OperationOutcome" {
			b.missing(e)
		}
		return
	case !absolute(e.fullURL):
		b.c.fail(e.at(), issue.Invalid, "bundle-fullurl-absolute",
			fmt.Sprintf("found the fullUrl %s, expected an absolute URL: https://…, urn:uuid:… or urn:oid:…", issue.Quote(e.fullURL)),
			fmt.Sprintf("fullUrl 为 %s，应为绝对 URL：https://…、urn:uuid:… 或 urn:oid:…", issue.Quote(e.fullURL)))
		return
	}
	b.urn(e)
	r, ok := readREST(b.c.Model, e.fullURL)
	switch {
	case !ok || e.typ == "":
	case e.id == "":
		b.c.fail(e.at(), issue.Invalid, "bundle-fullurl-id",
			fmt.Sprintf("the fullUrl %s is that of a resource on a server, but the resource has no id", issue.Quote(e.fullURL)),
			fmt.Sprintf("fullUrl %s 指向服务器上的资源，但该资源没有 id", issue.Quote(e.fullURL)))
	case r.typ != e.typ || r.id != e.id:
		b.c.fail(e.at(), issue.Invalid, "bundle-fullurl-id",
			fmt.Sprintf("the fullUrl %s ends with %s/%s, but the resource is %s/%s", issue.Quote(e.fullURL), r.typ, r.id, e.typ, e.id),
			fmt.Sprintf("fullUrl %s 以 %s/%s 结尾，而资源为 %s/%s", issue.Quote(e.fullURL), r.typ, r.id, e.typ, e.id))
	}
}

func (b *bundle) missing(e *entry) {
	b.c.fail(e.at(), issue.Required, "bundle-fullurl-missing",
		fmt.Sprintf("the entry has no fullUrl: give the identity of its %s", e.typ),
		fmt.Sprintf("条目缺少 fullUrl，请给出其 %s 的标识 URL", e.typ))
}

// urn wants a UUID behind urn:uuid: and an OID behind urn:oid:.
func (b *bundle) urn(e *entry) {
	uuid, isUUIDURN := strings.CutPrefix(e.fullURL, "urn:uuid:")
	oid, isOIDURN := strings.CutPrefix(e.fullURL, "urn:oid:")
	if isUUIDURN && !isUUID(uuid) || isOIDURN && !isOID(oid) {
		b.c.fail(e.at()+".fullUrl", issue.Invalid, "bundle-fullurl-urn",
			fmt.Sprintf("found %s, expected urn:uuid: with a UUID in lower case, or urn:oid: with an OID", issue.Quote(e.fullURL)),
			fmt.Sprintf("fullUrl 为 %s，应为 urn:uuid: 加小写 UUID，或 urn:oid: 加 OID", issue.Quote(e.fullURL)))
	}
}

// paging are the relations that lead through the pages of a search or history.
var paging = map[string]bool{"first": true, "previous": true, "prev": true, "next": true, "last": true}

// links judges the relations of Bundle.link.
func (b *bundle) links() {
	paged := b.kind == "searchset" || b.kind == "history"
	seen := map[string]bool{}
	i := -1
	for l := range b.node.Field("link").Items() {
		i++
		relation := text(l, "relation")
		at := under("", "link", i)
		switch {
		case paging[relation] && !paged:
			b.c.fail(at+".relation", issue.Invalid, "bundle-link-paging",
				fmt.Sprintf("found the relation %s, which only a searchset or history has, in a %s", issue.Quote(relation), b.kind),
				fmt.Sprintf("链接关系 %s 仅用于检索结果或历史，不可用于 %s", issue.Quote(relation), b.kind))
		case seen[relation] && (paging[relation] || relation == "self"):
			if !paged {
				at += ".relation"
			}
			b.c.fail(at, issue.Invalid, "bundle-link-once",
				fmt.Sprintf("the relation %s stands more than once: keep one", issue.Quote(relation)),
				fmt.Sprintf("链接关系 %s 重复出现，请只保留一个", issue.Quote(relation)))
		}
		seen[relation] = true
	}
}

// responses wants a status that begins with a status code of HTTP.
func (b *bundle) responses() {
	for _, e := range b.entries {
		status := text(e.node.Field("response"), "status")
		if status == "" {
			continue
		}
		code, _, _ := strings.Cut(status, " ")
		if len(code) != 3 || code[0] < '1' || code[0] > '5' || code[1] < '0' || code[1] > '9' || code[2] < '0' || code[2] > '9' {
			b.c.fail(e.at()+".response.status", issue.Value, "bundle-response-status",
				fmt.Sprintf("found %s, expected a status code of HTTP, as in \"201 Created\"", issue.Quote(status)),
				fmt.Sprintf("状态为 %s，应以三位 HTTP 状态码开头，如 \"201 Created\"", issue.Quote(status)))
		}
	}
}
