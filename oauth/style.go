package oauth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
)

// style is how the pages of the server look, for apps that want to look alike: the
// same colours as in page/base.html.
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#styling
var style = map[string]string{
	"color_background":     "#f5f5f2",
	"color_error":          "#b00020",
	"color_highlight":      "#174a7c",
	"color_modal_backdrop": "#1c1c1c",
	"color_success":        "#1e6b34",
	"color_text":           "#1c1c1c",
	"dim_border_radius":    "5px",
	"dim_font_size":        "17px",
	"dim_spacing_size":     "16px",
	"font_family_body":     `system-ui, "Noto Sans CJK SC", sans-serif`,
	"font_family_heading":  `system-ui, "Noto Sans CJK SC", sans-serif`,
}

// stylePath names the style by its content, so that another style has another
// address, as the specification wants.
var stylePath = func() string {
	text, _ := json.Marshal(style) // texts always encode
	sum := sha256.Sum256(text)
	return "/oauth/style/" + hex.EncodeToString(sum[:8]) + ".json"
}()

func (s *Server) style(w http.ResponseWriter, r *http.Request) { published(w, r, style) }
