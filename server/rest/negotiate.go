package rest

import (
	"mime"
	"strconv"
	"strings"

	"tenon/fhir/issue"
)

// contentType is what the door answers with.
// https://hl7.org/fhir/R4/http.html#mime-type
const contentType = "application/fhir+json; fhirVersion=4.0"

// maxAccept bounds the media ranges of one Accept header.
const maxAccept = 64

// negotiate checks that the client can take FHIR JSON and whether it wants it
// indented. Binary judges Accept by itself.
func (c *call) negotiate() error {
	query := c.Request().URL.Query()
	c.pretty = query.Get("_pretty") == "true"
	if format := query.Get("_format"); format != "" {
		return acceptFormat(strings.ReplaceAll(format, " ", "+"))
	}
	if c.Param("type") == "Binary" || strings.Contains(c.Path(), "/Binary/") {
		return nil
	}
	return acceptsJSON(c.Request().Header.Values("Accept"))
}

// acceptFormat judges _format, which overrides Accept.
// https://hl7.org/fhir/R4/http.html#parameters
func acceptFormat(format string) error {
	switch media, _, _ := mime.ParseMediaType(format); media {
	case "json", "text/json":
		return nil
	default:
		if q, _ := quality(format); q > 0 {
			return nil
		}
	}
	return notAcceptable("_format", format)
}

// acceptsJSON tells whether any media range covers FHIR JSON.
func acceptsJSON(headers []string) error {
	accept := strings.Join(headers, ",")
	if strings.TrimSpace(accept) == "" {
		return nil
	}
	for i, part := range strings.Split(accept, ",") {
		if q, _ := quality(part); q > 0 && i < maxAccept {
			return nil
		}
	}
	return notAcceptable("Accept", accept)
}

// quality is the weight that a media range gives to FHIR JSON, 0 when it does
// not cover it; exact tells that FHIR JSON is named.
func quality(mediaRange string) (q float64, exact bool) {
	media, params, err := mime.ParseMediaType(mediaRange)
	if err != nil {
		return 0, false
	}
	switch media {
	case "application/fhir+json", "application/json+fhir", "application/json":
		exact = true
	case "*/*", "application/*":
	default:
		return 0, false
	}
	if v, ok := params["fhirversion"]; ok && v != "4.0" && v != "4.0.1" {
		return 0, false
	}
	q = 1
	if weight, ok := params["q"]; ok {
		if q, err = strconv.ParseFloat(weight, 64); err != nil || q < 0 || q > 1 {
			return 0, false
		}
	}
	return q, exact
}

func notAcceptable(where, wanted string) error {
	return issue.Errorf(issue.NotSupported, "The answer is application/fhir+json with fhirVersion 4.0; %q is not available. XML is not served yet.", clip(wanted)).
		WithStatus(406).At(where).Rule("http-accept").Chinese("仅提供 application/fhir+json（FHIR 4.0），尚不支持 XML。")
}

// resourceBody checks the Content-Type of a resource.
func resourceBody(header string) error {
	media, params, err := mime.ParseMediaType(header)
	switch {
	case err != nil:
	case media != "application/fhir+json" && media != "application/json" && media != "application/json+fhir":
	case params["fhirversion"] != "" && params["fhirversion"] != "4.0" && params["fhirversion"] != "4.0.1":
	case params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8"):
	default:
		return nil
	}
	return badMedia(header, "application/fhir+json (fhirVersion=4.0, charset utf-8). XML is not accepted yet")
}

func badMedia(found, wanted string) error {
	return issue.Errorf(issue.NotSupported, "The Content-Type is %q; this interaction takes %s.", clip(found), wanted).
		WithStatus(415).At("Content-Type").Rule("http-content-type").Chinese("不支持该 Content-Type，尚不支持 XML。")
}

// clip keeps what a client sent from filling an answer.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
