package rest

import (
	"mime"
	"strconv"
	"strings"

	"tenon/fhir/issue"
)

// format is a representation of a resource.
type format uint8

// The formats that the door reads and writes. Stored bytes are JSON.
const (
	formatJSON format = iota
	formatXML
)

// contentType is what the door answers with in JSON, contentXML in XML.
// https://hl7.org/fhir/R4/http.html#mime-type
const (
	contentType = "application/fhir+json; fhirVersion=4.0"
	contentXML  = "application/fhir+xml; fhirVersion=4.0"
)

func (f format) String() string {
	if f == formatXML {
		return contentXML
	}
	return contentType
}

// maxAccept bounds the media ranges of one Accept header.
const maxAccept = 64

// formatOf is the format that a media type names, those of older versions of
// FHIR and the generic ones included.
func formatOf(media string) (f format, ok bool) {
	switch media {
	case "application/fhir+json", "application/json+fhir", "application/json", "text/json":
		return formatJSON, true
	case "application/fhir+xml", "application/xml+fhir", "application/xml", "text/xml":
		return formatXML, true
	}
	return formatJSON, false
}

// ourVersion tells whether a media type's fhirVersion, if any, is R4.
// https://hl7.org/fhir/R4/http.html#version-parameter
func ourVersion(params map[string]string) bool {
	v, ok := params["fhirversion"]
	return !ok || v == "4.0" || v == "4.0.1"
}

// negotiate finds the format of the answer: what _format says, else what Accept
// says; and whether it is to be indented. Binary judges Accept by itself.
func (c *call) negotiate() (err error) {
	query := c.Request().URL.Query()
	c.pretty = query.Get("_pretty") == "true"
	if named := query.Get("_format"); named != "" {
		c.format, err = namedFormat(named)
		return c.stored(err, "_format", named)
	}
	accept := c.Request().Header.Values("Accept")
	if c.Param("type") == "Binary" || strings.Contains(c.Path(), "/Binary/") || ofJob(c.Path()) {
		if c.format, err = accepted(accept, formatJSON); err != nil {
			c.format = formatJSON
		}
		return nil
	}
	c.format, err = accepted(accept, c.sent())
	return c.stored(err, "Accept", strings.Join(accept, ", "))
}

// stored keeps what is answered as it is stored, with its digest and signature,
// from being asked for in XML.
func (c *call) stored(err error, where, wanted string) error {
	if c.format == formatXML && (strings.HasSuffix(c.Path(), "/$bytes") || strings.HasSuffix(c.Path(), "/$dossier")) {
		if where == "Accept" {
			c.format, err = formatJSON, acceptsJSON(c.Request().Header.Values("Accept"))
			return err
		}
		c.format = formatJSON
		return notAcceptable(where, wanted)
	}
	return err
}

// sent is the format of the request's body, which is that of the answer too
// where the client does not say.
func (c *call) sent() format {
	media, _, _ := mime.ParseMediaType(c.header("Content-Type"))
	f, _ := formatOf(media)
	return f
}

// namedFormat reads _format, which overrides Accept. A plus that was not
// escaped has become a blank.
// https://hl7.org/fhir/R4/http.html#parameters
func namedFormat(name string) (format, error) {
	switch name {
	case "json":
		return formatJSON, nil
	case "xml":
		return formatXML, nil
	}
	media, params, found := strings.Cut(strings.TrimSpace(name), ";")
	full := strings.ReplaceAll(strings.TrimSpace(media), " ", "+")
	if found {
		full += ";" + params
	}
	media, values, err := mime.ParseMediaType(full)
	if f, ok := formatOf(media); ok && err == nil && ourVersion(values) {
		return f, nil
	}
	return formatJSON, notAcceptable("_format", name)
}

// preference is what an Accept header says about one format: by its most
// specific media range.
type preference struct {
	q     float64
	exact int // 3 named, 2 application/*, 1 */*, 0 not covered
	at    int // place in the header
}

// accepted chooses the format that an Accept header prefers. Of two with the
// same weight the one that is named wins, then the one named first; where
// neither is named, usual. https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
func accepted(headers []string, usual format) (format, error) {
	accept := strings.Join(headers, ",")
	if strings.TrimSpace(accept) == "" {
		return usual, nil
	}
	var want [2]preference
	at := 0
	for part := range strings.SplitSeq(accept, ",") {
		if at++; at > maxAccept {
			break
		}
		f, p, ok := mediaRange(part)
		if !ok {
			continue
		}
		p.at = at
		for _, g := range []format{formatJSON, formatXML} {
			if p.exact == 3 && g != f {
				continue
			}
			if old := &want[g]; p.exact > old.exact || p.exact == old.exact && p.q > old.q {
				*old = p
			}
		}
	}
	json, xml := want[formatJSON], want[formatXML]
	switch {
	case json.q <= 0 && xml.q <= 0:
		return formatJSON, notAcceptable("Accept", accept)
	case json.q != xml.q:
		return pick(xml.q > json.q), nil
	case json.exact != xml.exact:
		return pick(xml.exact > json.exact), nil
	case json.at != xml.at:
		return pick(xml.at < json.at), nil
	}
	return usual, nil
}

func pick(xml bool) format {
	if xml {
		return formatXML
	}
	return formatJSON
}

// acceptsJSON tells whether any media range covers FHIR JSON.
func acceptsJSON(headers []string) error {
	for part := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		if f, p, ok := mediaRange(part); ok && p.q > 0 && (p.exact < 3 || f == formatJSON) {
			return nil
		}
	}
	return notAcceptable("Accept", strings.Join(headers, ","))
}

// mediaRange reads one range of an Accept header; ok is false when it covers no
// format of ours. Only a range that is exact names one.
func mediaRange(text string) (f format, p preference, ok bool) {
	media, params, err := mime.ParseMediaType(text)
	if err != nil || !ourVersion(params) {
		return formatJSON, p, false
	}
	switch media {
	case "*/*":
		p.exact = 1
	case "application/*":
		p.exact = 2
	default:
		if f, ok = formatOf(media); !ok {
			return formatJSON, p, false
		}
		p.exact = 3
	}
	p.q = 1
	if weight, given := params["q"]; given {
		if p.q, err = strconv.ParseFloat(weight, 64); err != nil || !(p.q >= 0 && p.q <= 1) {
			return formatJSON, p, false
		}
	}
	return f, p, true
}

func notAcceptable(where, wanted string) error {
	return issue.Errorf(issue.NotSupported, "The answer is application/fhir+json or application/fhir+xml with fhirVersion 4.0, and what is answered as stored is JSON only; %q is not available.", clip(wanted)).
		WithStatus(406).At(where).Rule("http-accept").Chinese("仅提供 application/fhir+json 或 application/fhir+xml（FHIR 4.0）；原样返回的内容仅有 JSON。")
}

// resourceBody is the format that the Content-Type of a resource names.
func resourceBody(header string) (format, error) {
	media, params, err := mime.ParseMediaType(header)
	f, ok := formatOf(media)
	switch {
	case err != nil, !ok, !ourVersion(params):
	case params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8"):
	default:
		return f, nil
	}
	return formatJSON, badMedia(header, "application/fhir+json or application/fhir+xml (fhirVersion=4.0, charset utf-8)")
}

func badMedia(found, wanted string) error {
	return issue.Errorf(issue.NotSupported, "The Content-Type is %q; this interaction takes %s.", clip(found), wanted).
		WithStatus(415).At("Content-Type").Rule("http-content-type").Chinese("此操作不支持该 Content-Type。")
}

// clip keeps what a client sent from filling an answer.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
