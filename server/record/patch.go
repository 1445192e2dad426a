package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// The formats of a patch, by their media types.
const (
	JSONPatch  = "application/json-patch+json"  // an array of operations
	MergePatch = "application/merge-patch+json" // a partial resource
	PathPatch  = "application/fhir+json"        // Parameters
)

// Bounds of one patch: every operation reads the resource again.
const (
	mostPatches = 1000
	mostPatched = 64 << 20
)

// Patched applies a patch of a format to the JSON of a resource. What the patch
// does not touch keeps its bytes, so that numbers keep their spelling (design
// law 1). https://hl7.org/fhir/R4/http.html#patch
func Patched(m *schema.Model, format string, now time.Time, resource, document []byte) ([]byte, error) {
	doc, err := parsed(document)
	if err != nil {
		return nil, err
	}
	switch format {
	case "", JSONPatch:
		return patch(resource, doc)
	case MergePatch:
		if doc.Kind() != tree.Object {
			return nil, issue.Errorf(issue.Invalid, "A merge patch of a resource is an object.").Rule("merge-patch").WithStatus(400)
		}
		target, err := parsed(resource)
		if err != nil {
			return nil, err
		}
		return mergePatch(target, doc), nil
	case PathPatch:
		if got := doc.Path("resourceType").Str(); got != "Parameters" {
			return nil, issue.Errorf(issue.Invalid, "A FHIRPath Patch is a Parameters resource; the body is a %q.", clipped(got)).
				At("resourceType").Rule("fhirpath-patch").WithStatus(400)
		}
		return patchPaths(m, now, resource, doc)
	}
	return nil, issue.Errorf(issue.NotSupported, "%q is no format of a patch.", clipped(format)).Rule("patch-format").WithStatus(415)
}

// patch applies a JSON Patch.
// https://www.rfc-editor.org/rfc/rfc6902
func patch(resource []byte, ops tree.Node) (body []byte, err error) {
	if ops.Kind() != tree.Array {
		return nil, badPatch(0, "a JSON Patch is an array of operations")
	}
	if ops.Len() > mostPatches {
		return nil, tooManyPatches()
	}
	body = resource
	i := 0
	for op := range ops.Items() {
		if body, err = patchOne(body, op, i); err != nil {
			return nil, err
		}
		if len(body) > mostPatched {
			return nil, tooLarge()
		}
		i++
	}
	return body, nil
}

func tooManyPatches() error {
	return issue.Errorf(issue.TooCostly, "A patch may have %d operations; update the resource instead.", mostPatches).
		Rule("patch-limit").WithStatus(422).Chinese("补丁操作过多，请改用更新。")
}

func tooLarge() error {
	return issue.Errorf(issue.TooLong, "The patch makes the resource larger than %d bytes.", mostPatched).
		Rule("patch-limit").WithStatus(422).Chinese("补丁使资源超过大小上限。")
}

// clipped keeps what a client sent from filling an answer.
func clipped(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

func badPatch(i int, format string, args ...any) *issue.Failure {
	return issue.Errorf(issue.Invalid, "JSON Patch operation %d: %s.", i, fmt.Sprintf(format, args...)).
		At(fmt.Sprintf("[%d]", i)).Rule("json-patch").WithStatus(400)
}

func patchOne(body []byte, op tree.Node, i int) ([]byte, error) {
	root, err := parsed(body)
	if err != nil {
		return nil, err
	}
	path, err := pointer(op.Field("path"), i)
	if err != nil {
		return nil, err
	}
	value := op.Field("value")
	name := op.Field("op").Str()
	switch name {
	case "add", "replace", "test":
		if !value.Exists() {
			return nil, badPatch(i, "%q needs a value", name)
		}
	case "move", "copy":
		from, err := pointer(op.Field("from"), i)
		if err != nil {
			return nil, err
		}
		source, ok := find(root, from)
		if !ok {
			return nil, missing(i, from)
		}
		raw := bytes.Clone(source.Raw())
		if name == "move" {
			if strings.HasPrefix(join(path), join(from)+"/") {
				return nil, badPatch(i, "a value cannot be moved into itself")
			}
			if body, err = edit(root, from, "remove", nil, i); err != nil {
				return nil, err
			}
			if root, err = parsed(body); err != nil {
				return nil, err
			}
		}
		return edit(root, path, "add", raw, i)
	case "remove":
	default:
		return nil, badPatch(i, "%q is not an operation of RFC 6902", name)
	}
	if name == "test" {
		found, ok := find(root, path)
		if !ok || !equal(found, value) {
			return nil, issue.Errorf(issue.BusinessRule, "JSON Patch operation %d: the test of %q failed.", i, join(path)).
				At(join(path)).Rule("json-patch-test").WithStatus(422)
		}
		return body, nil
	}
	return edit(root, path, name, value.Raw(), i)
}

func pointer(n tree.Node, i int) ([]string, error) {
	text := n.Str()
	if n.Kind() != tree.String || text != "" && text[0] != '/' {
		return nil, badPatch(i, "%q is not a JSON Pointer", text)
	}
	if text == "" {
		return nil, nil
	}
	parts := strings.Split(text[1:], "/")
	for k, part := range parts {
		parts[k] = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
	}
	return parts, nil
}

func join(path []string) string { return "/" + strings.Join(path, "/") }

func missing(i int, path []string) error {
	return issue.Errorf(issue.Processing, "JSON Patch operation %d: there is nothing at %q.", i, join(path)).
		At(join(path)).Rule("json-patch-path").WithStatus(422)
}

func find(n tree.Node, path []string) (tree.Node, bool) {
	for _, part := range path {
		switch n.Kind() {
		case tree.Object:
			n = n.Field(part)
		case tree.Array:
			k, ok := index(part, n.Len()-1)
			if !ok {
				return tree.Node{}, false
			}
			n = n.Index(k)
		default:
			return tree.Node{}, false
		}
	}
	return n, n.Exists()
}

// index reads an array index without leading zeros, at most last.
func index(part string, last int) (int, bool) {
	k, err := strconv.Atoi(part)
	return k, err == nil && k >= 0 && k <= last && strconv.Itoa(k) == part
}

// edit writes the container that path ends in again.
func edit(root tree.Node, path []string, op string, value []byte, i int) ([]byte, error) {
	if len(path) == 0 {
		if op == "remove" {
			return nil, badPatch(i, "the whole resource cannot be removed")
		}
		return value, nil
	}
	last := path[len(path)-1]
	holder, ok := find(root, path[:len(path)-1])
	if !ok {
		return nil, missing(i, path)
	}
	var made []byte
	switch holder.Kind() {
	case tree.Object:
		if op != "add" && !holder.Field(last).Exists() {
			return nil, missing(i, path)
		}
		made = editObject(holder, last, op, value)
	case tree.Array:
		k, ok := index(last, holder.Len()-1)
		if op == "add" {
			if last == "-" {
				k, ok = holder.Len(), true
			} else {
				k, ok = index(last, holder.Len())
			}
		}
		if !ok {
			return nil, missing(i, path)
		}
		made = editArray(holder, k, op, value)
	default:
		return nil, missing(i, path)
	}
	start, end := holder.Span()
	return tree.Apply(root.Doc().Src(), []tree.Edit{{Start: start, End: end, With: made}}), nil
}

func editObject(holder tree.Node, name, op string, value []byte) []byte {
	out := []byte{'{'}
	put := func(name string, raw []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		quoted, _ := json.Marshal(name) // a string always marshals
		out = append(out, quoted...)
		out = append(append(out, ':'), raw...)
	}
	found := false
	for key, child := range holder.Fields() {
		switch {
		case key != name:
			put(key, child.Raw())
		case op != "remove":
			found = true
			put(key, value)
		}
	}
	if op == "add" && !found {
		put(name, value)
	}
	return append(out, '}')
}

func editArray(holder tree.Node, at int, op string, value []byte) []byte {
	out := []byte{'['}
	put := func(raw []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, raw...)
	}
	k := 0
	for child := range holder.Items() {
		if k == at && op != "remove" {
			put(value)
		}
		if k != at || op == "add" {
			put(child.Raw())
		}
		k++
	}
	if at == k && op == "add" {
		put(value)
	}
	return append(out, ']')
}

// equal compares two values without regard to the order of members; numbers by
// value of their text as RFC 6902 §4.6 asks.
func equal(a, b tree.Node) bool {
	if a.Kind() != b.Kind() || a.Len() != b.Len() {
		return false
	}
	switch a.Kind() {
	case tree.Object:
		for name, child := range a.Fields() {
			if !equal(child, b.Field(name)) {
				return false
			}
		}
		return true
	case tree.Array:
		for k := range a.Len() {
			if !equal(a.Index(k), b.Index(k)) {
				return false
			}
		}
		return true
	case tree.Number:
		x, errX := strconv.ParseFloat(a.Text(), 64)
		y, errY := strconv.ParseFloat(b.Text(), 64)
		return a.Text() == b.Text() || errX == nil && errY == nil && x == y
	}
	return a.Text() == b.Text()
}
