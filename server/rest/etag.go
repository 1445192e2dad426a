package rest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/server/record"
)

// etag is the entity tag of a version: W/"3".
// https://hl7.org/fhir/R4/http.html#versioning
func etag(version int64) string { return `W/"` + strconv.FormatInt(version, 10) + `"` }

// tagOf is the entity tag of a version as it is shown: a part is another
// representation than the whole, and no client may take the one for the other,
// in a cache or in If-Match.
func tagOf(v *record.Version) string { return `W/"` + tagged(v) + `"` }

func tagged(v *record.Version) string {
	tag := strconv.FormatInt(v.Version, 10)
	if v.Shown > 0 {
		tag += "-L" + strconv.Itoa(int(v.Shown))
	}
	return tag
}

// instant is how an instant is written.
const instant = "2006-01-02T15:04:05.000Z07:00"

// tags reads a list of entity tags, or "*".
// https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3
func tags(header string) (list []string, star, ok bool) {
	rest := strings.TrimSpace(header)
	if rest == "*" {
		return nil, true, true
	}
	for rest != "" {
		rest = strings.TrimPrefix(rest, "W/")
		if rest == "" || rest[0] != '"' {
			return nil, false, false
		}
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 {
			return nil, false, false
		}
		list = append(list, rest[1:1+end])
		rest = strings.TrimLeft(rest[end+2:], " \t")
		if rest == "" {
			break
		}
		if rest[0] != ',' {
			return nil, false, false
		}
		rest = strings.TrimLeft(rest[1:], " \t")
	}
	return list, false, len(list) > 0
}

// ifMatch is the one version that an If-Match names, "*" for any; "" without
// the header. https://hl7.org/fhir/R4/http.html#concurrency
func (c *call) ifMatch() (string, error) {
	if c.header("If-None-Match") != "" && (c.Request().Method != http.MethodPut || c.Param("id") == "") {
		return "", badCondition("If-None-Match", "is taken on an update of an id only; use If-Match, or If-None-Exist on a create")
	}
	header := c.header("If-Match")
	if header == "" {
		return "", nil
	}
	list, star, ok := tags(header)
	if star {
		return "*", nil
	}
	if !ok || len(list) != 1 || list[0] == "" {
		return "", badCondition("If-Match", `must name one version, as in W/"3", or be *`)
	}
	return list[0], nil
}

// ifNoneMatch is "*" where an update must not find the resource, else "".
// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
func (c *call) ifNoneMatch() (string, error) {
	header := c.header("If-None-Match")
	if header == "" {
		return "", nil
	}
	if _, star, _ := tags(header); !star {
		return "", badCondition("If-None-Match", "must be * on an update")
	}
	return "*", nil
}

func badCondition(header, why string) error {
	return issue.Errorf(issue.Invalid, "%s %s.", header, why).At(header).Rule("http-condition").Chinese("请求头 " + header + " 无效。")
}

// unchanged tells whether the client's copy is still good: 304.
// https://hl7.org/fhir/R4/http.html#cread
func (c *call) unchanged(v *record.Version) bool {
	if header := c.header("If-None-Match"); header != "" {
		list, star, ok := tags(header)
		if star {
			return true
		}
		for _, tag := range list {
			if ok && tag == tagged(v) {
				return true
			}
		}
		return false
	}
	if v.Part > 0 { // a date does not tell a part from the whole
		return false
	}
	since, err := http.ParseTime(c.header("If-Modified-Since"))
	return err == nil && !v.Updated.Truncate(time.Second).After(since)
}

// versionHeaders are the same on every answer that carries or names a version.
func (c *call) versionHeaders(v *record.Version) {
	c.set("ETag", tagOf(v))
	c.set("Last-Modified", v.Updated.UTC().Format(http.TimeFormat))
}
