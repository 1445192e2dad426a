package rest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/record"
)

// meta is https://hl7.org/fhir/R4/resource-operation-meta.html of one resource:
// its meta as it is read, with the labels of its grade.
func (d *Door) meta(c *call) error {
	v, err := d.o.Record.Read(c.ctx(), c.who, c.Param("type"), c.Param("id"))
	if err != nil {
		return err
	}
	c.versionHeaders(v)
	return c.metaOf(v)
}

// Metas is the recorder's part of $meta of more than one resource.
type Metas interface {
	Labels(ctx context.Context, who *access.Context, typ string) ([]record.Version, error)
}

// metas is the same of a type, or of the whole server: the profiles, tags and
// security labels that are in use in the caller's reach, each once.
func (d *Door) metas(c *call) error {
	list, err := d.o.Record.Labels(c.ctx(), c.who, c.Param("type"))
	if err != nil {
		return err
	}
	used := map[string][]string{}
	seen := map[string]bool{}
	for i := range list {
		root, err := nodeOf(list[i].Labelled())
		if err != nil {
			return err
		}
		for _, name := range metaLists {
			for n := range root.Path("meta", name).Items() {
				if key := name + " " + metaKey(n); !seen[key] {
					seen[key] = true
					used[name] = append(used[name], string(n.Raw()))
				}
			}
		}
	}
	var members []string
	for _, name := range metaLists {
		if len(used[name]) > 0 {
			members = append(members, fmt.Sprintf("%q:[%s]", name, strings.Join(used[name], ",")))
		}
	}
	if len(members) == 0 { // FHIR has no empty objects
		return c.send(http.StatusOK, []byte(`{"resourceType":"Parameters"}`))
	}
	return c.send(http.StatusOK, fmt.Appendf(nil, `{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":{%s}}]}`, strings.Join(members, ",")))
}

// metaLists are the lists of meta.
var metaLists = []string{"profile", "security", "tag"}

func (c *call) metaOf(v *record.Version) error {
	root, err := nodeOf(v.Labelled())
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, fmt.Appendf(nil, `{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":%s}]}`, root.Field("meta").Raw()))
}

// metaAdd is https://hl7.org/fhir/R4/resource-operation-meta-add.html and
// metaDelete https://hl7.org/fhir/R4/resource-operation-meta-delete.html. What is
// stored is never changed in place: each makes a new version.
func (d *Door) metaAdd(c *call) error { return d.metaChange(c, true) }

func (d *Door) metaDelete(c *call) error { return d.metaChange(c, false) }

func (d *Door) metaChange(c *call, add bool) error {
	asked, err := c.metaAsked()
	if err != nil {
		return err
	}
	match, err := c.ifMatch()
	if err != nil {
		return err
	}
	typ, id := c.Param("type"), c.Param("id")
	now, err := d.o.Record.Read(c.ctx(), c.who, typ, id)
	if err != nil {
		return err
	}
	if match == "" || match == "*" {
		match = strconv.FormatInt(now.Version, 10) // the change is of what was read
	}
	root, err := nodeOf(now.Body)
	if err != nil {
		return err
	}
	patch := []byte(`{"meta":{`)
	for i, name := range metaLists {
		if i > 0 {
			patch = append(patch, ',')
		}
		patch = fmt.Appendf(patch, `%q:%s`, name, merged(root.Path("meta", name), asked.Field(name), add))
	}
	r, err := c.one("patch", record.Op{Method: "PATCH", Type: typ, ID: id, IfMatch: match, Format: record.MergePatch, Body: append(patch, "}}"...)})
	if err != nil {
		return err
	}
	c.versionHeaders(r.Version)
	return c.metaOf(r.Version)
}

// metaAsked is the parameter "meta".
func (c *call) metaAsked() (tree.Node, error) {
	body, err := c.resource()
	if err != nil {
		return tree.Node{}, err
	}
	root, err := nodeOf(body)
	if err != nil {
		return tree.Node{}, err
	}
	for p := range root.Field("parameter").Items() {
		if p.Field("name").Str() == "meta" && p.Field("valueMeta").Kind() == tree.Object {
			return p.Field("valueMeta"), nil
		}
	}
	return tree.Node{}, issue.Errorf(issue.Required, "The operation takes Parameters with a valueMeta called meta.").
		WithStatus(400).At("Parameters.parameter").Rule("meta-parameter").Chinese("缺少参数 meta。")
}

// merged is a list of meta with others added, or taken out; null for none.
func merged(have, asked tree.Node, add bool) string {
	named := map[string]bool{}
	for n := range asked.Items() {
		named[metaKey(n)] = true
	}
	var list []string
	kept := map[string]bool{}
	for n := range have.Items() {
		key := metaKey(n)
		if !add && named[key] {
			continue
		}
		kept[key] = true
		list = append(list, string(n.Raw()))
	}
	for n := range asked.Items() {
		if key := metaKey(n); add && !kept[key] {
			kept[key] = true
			list = append(list, string(n.Raw()))
		}
	}
	if len(list) == 0 {
		return "null"
	}
	return "[" + strings.Join(list, ",") + "]"
}

// metaKey tells profiles, tags and labels apart: by value, or system and code.
func metaKey(n tree.Node) string {
	if n.Kind() == tree.String {
		return n.Str()
	}
	return n.Field("system").Str() + "|" + n.Field("code").Str()
}
