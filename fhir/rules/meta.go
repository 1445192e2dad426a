package rules

import (
	"fmt"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// metaRule warns of profiles, tags and labels that stand twice.
// https://hl7.org/fhir/R4/resource.html#Meta
func metaRule(c *Context, n tree.Node) {
	for _, name := range [...]string{"profile", "security", "tag"} {
		list := n.Field(name)
		if list.Len() < 2 {
			continue
		}
		seen := map[[2]string]bool{}
		i := 0
		for item := range list.Items() {
			key := [2]string{text(item, "system"), text(item, "code")}
			if name == "profile" {
				key[0] = item.Str()
			}
			if seen[key] && key != [2]string{} {
				c.warn(under("", name, i), issue.Duplicate, "meta-twice",
					fmt.Sprintf("this %s stands there before: leave it out", name), fmt.Sprintf("%s 重复，请删除", name))
			}
			seen[key] = true
			i++
		}
	}
}

// messageHeaderRule warns of endpoints that say nothing outside one place.
// https://hl7.org/fhir/R4/messageheader.html
func messageHeaderRule(c *Context, n tree.Node) {
	if url := text(n.Field("source"), "endpoint"); url != "" && !absolute(url) {
		c.endpoint(".source.endpoint", url)
	}
	i := 0
	for d := range n.Field("destination").Items() {
		if url := text(d, "endpoint"); url != "" && !absolute(url) {
			c.endpoint(under("", "destination", i)+".endpoint", url)
		}
		i++
	}
}

func (c *Context) endpoint(at, url string) {
	c.warn(at, issue.Value, "message-endpoint",
		fmt.Sprintf("found %s, expected an absolute URL", issue.Quote(url)), fmt.Sprintf("端点 %s 应为绝对 URL", issue.Quote(url)))
}
