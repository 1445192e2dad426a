package suite

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// pick walks a path through decoded JSON and returns all that it reaches, arrays
// flattened: "entry.resource.name.family", "entry[0].resource.id",
// "entry[search.mode=include].resource". "." is the root.
func pick(root any, path string) []any {
	at := flat(nil, root)
	if path == "." {
		return at
	}
	for _, part := range segments(path) {
		name, filters := part, ""
		if i := strings.IndexByte(part, '['); i >= 0 {
			name, filters = part[:i], part[i:]
		}
		var next []any
		for _, v := range at {
			if m, ok := v.(map[string]any); ok {
				if child, ok := m[name]; ok {
					next = flat(next, child)
				}
			}
		}
		at = filter(next, filters)
	}
	return at
}

// segments cuts at dots that are outside of brackets.
func segments(path string) []string {
	var parts []string
	depth, from := 0, 0
	for i := range len(path) {
		switch path[i] {
		case '[':
			depth++
		case ']':
			depth--
		case '.':
			if depth == 0 {
				parts = append(parts, path[from:i])
				from = i + 1
			}
		}
	}
	return append(parts, path[from:])
}

func flat(into []any, v any) []any {
	if list, ok := v.([]any); ok {
		for _, item := range list {
			into = flat(into, item)
		}
		return into
	}
	if v == nil {
		return into
	}
	return append(into, v)
}

// filter applies "[0]", "[-1]" and "[path=value]", one after the other.
func filter(values []any, filters string) []any {
	for filters != "" {
		inner, rest, _ := strings.Cut(filters[1:], "]")
		filters = rest
		if n, err := strconv.Atoi(inner); err == nil {
			if n < 0 {
				n += len(values)
			}
			if n < 0 || n >= len(values) {
				return nil
			}
			values = values[n : n+1]
			continue
		}
		path, want, _ := strings.Cut(inner, "=")
		var kept []any
		for _, v := range values {
			for _, found := range pick(v, path) {
				if text(found) == want {
					kept = append(kept, v)
					break
				}
			}
		}
		values = kept
	}
	return values
}

// text is a primitive as it is written, anything else as JSON.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func texts(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = text(v)
	}
	return out
}

// compare judges values by an operation of an expectation; "" is well.
func compare(values []string, op, want string) string {
	has := func(ok func(string) bool) bool {
		for _, v := range values {
			if ok(v) {
				return true
			}
		}
		return false
	}
	good := false
	switch op {
	case "exists":
		good = len(values) > 0
	case "absent":
		good = len(values) == 0
	case "=":
		good = len(values) == 1 && values[0] == want
	case "has":
		good = has(func(v string) bool { return v == want })
	case "lacks":
		good = !has(func(v string) bool { return v == want })
	case "all":
		good = len(values) > 0 && !has(func(v string) bool { return v != want })
	case "list":
		good = strings.Join(values, " ") == want
	case "~", "!~":
		re, err := regexp.Compile(want)
		if err != nil {
			return err.Error()
		}
		good = has(re.MatchString) == (op == "~")
	case "count":
		good = strconv.Itoa(len(values)) == want
	default:
		return "unknown operation " + op
	}
	if good {
		return ""
	}
	if want != "" {
		op += " " + want
	}
	return fmt.Sprintf("is %.300q, wanted: %s", values, op)
}
