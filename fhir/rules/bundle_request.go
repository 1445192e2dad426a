package rules

// https://hl7.org/fhir/R4/http.html#transaction

import (
	"fmt"
	"strings"

	"tenon/fhir/issue"
)

// requests judges the entries of a transaction or batch by what they ask for.
func (b *bundle) requests() {
	changed := map[string]*entry{}
	for _, e := range b.entries {
		request := e.node.Field("request")
		method, url := text(request, "method"), text(request, "url")
		if method == "" || url == "" {
			continue
		}
		b.request(e, method, strings.TrimPrefix(url, "/"))
		if method == "GET" || method == "HEAD" || method == "POST" || b.kind != "transaction" {
			continue
		}
		if before := changed[url]; before != nil {
			b.c.fail(e.at()+".request.url", issue.Duplicate, "bundle-request-twice",
				fmt.Sprintf("found %s, which %s changes too: a transaction changes a resource once", issue.Quote(url), before.at()[1:]),
				fmt.Sprintf("%s 已由 %s 修改，一个事务对同一资源只能修改一次", issue.Quote(url), before.at()[1:]))
		}
		changed[url] = e
	}
}

func (b *bundle) request(e *entry, method, url string) {
	at := e.at() + ".request.url"
	path, query, conditional := strings.Cut(url, "?")
	parts := strings.Split(path, "/")
	switch method {
	case "PUT", "PATCH", "DELETE":
		if len(parts) < 2 && (!conditional || query == "") {
			b.c.fail(at, issue.Value, "bundle-request-url",
				fmt.Sprintf("found %s %s, expected Type/id or Type?criteria", method, issue.Quote(url)),
				fmt.Sprintf("请求为 %s %s，应为 Type/id 或 Type?条件", method, issue.Quote(url)))
			return
		}
	case "POST":
		if conditional && !strings.HasPrefix(parts[len(parts)-1], "_search") {
			b.c.warn(at, issue.Value, "bundle-request-url",
				fmt.Sprintf("found POST %s, expected a type: put criteria into ifNoneExist", issue.Quote(url)),
				fmt.Sprintf("请求为 POST %s，应只有资源类型，条件请写入 ifNoneExist", issue.Quote(url)))
		}
	}
	b.body(e, method, parts, conditional, at)
}

// body judges the resource that a request carries.
func (b *bundle) body(e *entry, method string, parts []string, conditional bool, at string) {
	creates := method == "POST" && len(parts) == 1 && b.c.Model.IsResource(parts[0])
	switch {
	case (method == "PUT" || creates) && !e.resource.Exists():
		b.c.fail(e.at(), issue.Required, "bundle-request-resource",
			fmt.Sprintf("a %s needs a resource", method), fmt.Sprintf("%s 请求必须包含资源", method))
	case (method == "DELETE" || method == "GET" || method == "HEAD") && e.resource.Exists():
		b.c.warn(e.at(), issue.BusinessRule, "bundle-request-resource",
			fmt.Sprintf("a %s takes no resource: it is ignored", method), fmt.Sprintf("%s 请求不需要资源，将被忽略", method))
	case !e.resource.Exists() || !creates && method != "PUT" || !b.c.Model.IsResource(parts[0]):
	case parts[0] != e.typ:
		b.c.fail(at, issue.Value, "bundle-request-type",
			fmt.Sprintf("found a request for %s with a %s", parts[0], e.typ), fmt.Sprintf("请求的类型为 %s，而资源为 %s", parts[0], e.typ))
	case method == "PUT" && !conditional && len(parts) == 2 && parts[1] != e.id:
		b.c.fail(at, issue.Value, "bundle-request-id",
			fmt.Sprintf("found PUT %s/%s with the id %s: both must be the same", parts[0], parts[1], issue.Quote(e.id)),
			fmt.Sprintf("请求为 PUT %s/%s，而资源 id 为 %s，两者必须相同", parts[0], parts[1], issue.Quote(e.id)))
	}
}
