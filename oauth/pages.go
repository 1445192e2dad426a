package oauth

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tenon/server/access"
)

// Pages are forms, in both languages. Security keys alone need script, one of ours;
// every page says so and does what else it does without it.

//go:embed page/*.html
var pageFiles embed.FS

//go:embed page/passkey.js
var passkeyScript template.JS

var templates = template.Must(template.New("pages").Funcs(template.FuncMap{
	"day":           func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	"id":            unpadded.EncodeToString,
	"passkeyScript": func() template.JS { return passkeyScript },
}).ParseFS(pageFiles, "page/*.html"))

// stylePolicy allows the one style sheet of the pages by its digest.
var stylePolicy = func() string {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, "style", nil); err != nil {
		panic(err)
	}
	return digestSource(b.Bytes())
}()

// scriptPolicy allows the one script, on the pages that hold it.
var scriptPolicy = "; script-src " + digestSource([]byte(passkeyScript))

// digestSource is what a Content-Security-Policy calls a text.
func digestSource(text []byte) string {
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

type message struct{ English, Chinese string }

// page writes a page. redirects are where its forms may lead besides this server: a
// browser judges the address that an answer sends it to, too.
func (s *Server) page(w http.ResponseWriter, status int, name string, data any, redirects ...string) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		s.Log.Error("page", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	target := ""
	for _, redirect := range redirects {
		if u, err := url.Parse(redirect); err == nil && u.Scheme != "" {
			if target += " " + u.Scheme + ":"; u.Host != "" {
				target += "//" + u.Host
			}
		}
	}
	script := ""
	if m, ok := data.(map[string]any); ok && m["Options"] != nil && m["Options"] != "" {
		script = scriptPolicy
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+stylePolicy+script+"; form-action 'self'"+target+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// wrong tells the person what is wrong with the request.
func (s *Server) wrong(w http.ResponseWriter, _ *http.Request, english, chinese string) {
	s.page(w, http.StatusBadRequest, "message", message{english, chinese})
}

// broken tells that the server failed; the log knows why.
func (s *Server) broken(w http.ResponseWriter, r *http.Request, err error) {
	s.Log.Error("oauth", "request", r.Header.Get("X-Request-Id"), "route", r.Pattern, "error", err)
	s.page(w, http.StatusInternalServerError, "message", message{"The server failed. Try again later.", "服务器内部错误，请稍后再试。"})
}

func (s *Server) signInPage(w http.ResponseWriter, _ *http.Request, status int, p *pending, wrong bool) {
	s.page(w, status, "sign-in", map[string]any{"Request": p.ID, "Guard": s.guard(p), "Wrong": wrong, "Issuers": s.Issuers}, p.Redirect)
}

// line is one scope as the page tells it.
type line struct {
	Scope, English, Chinese string
	Optional                bool
}

func (s *Server) consentPage(w http.ResponseWriter, r *http.Request, status int, a *asking, find string, missing bool) {
	data := map[string]any{"Request": a.p.ID, "Guard": s.guard(a.p), "App": a.client.Name, "Principal": a.session.Principal,
		"Patient": a.patient(), "Choose": a.choose(), "Find": find, "Missing": missing}
	var lines []line
	for text := range strings.FieldsSeq(a.p.Scope) {
		lines = append(lines, told(text))
	}
	data["Scopes"] = lines
	if a.choose() && s.Chart != nil {
		list, err := s.Chart.Patients(r.Context(), a.who, find)
		if err != nil {
			s.broken(w, r, err)
			return
		}
		data["Patients"] = list
	}
	s.page(w, status, "consent", data, a.p.Redirect)
}

// plainWords tell the scopes that are not about resources.
var plainWords = map[string]message{
	"openid":           {"Learn who you are", "获知您的身份"},
	"fhirUser":         {"Learn who you are in this record", "获知您在本系统中的身份记录"},
	"profile":          {"Learn who you are in this record", "获知您在本系统中的身份记录"},
	"launch":           {"Learn with what it was opened", "获知启动时的上下文"},
	"launch/patient":   {"Learn which patient it is about", "获知当前患者"},
	"launch/encounter": {"Learn which encounter it is about", "获知当前就诊"},
	"offline_access":   {"Keep this access while you are away", "在您离线时保持访问"},
	"online_access":    {"Keep this access while you are signed in", "在您登录期间保持访问"},
}

var whoseWords = map[string]message{
	access.PatientScope: {"of this patient", "（当前患者）"},
	access.UserScope:    {"that you may see", "（您有权访问的范围）"},
	access.SystemScope:  {"of the system", "（系统）"},
}

var verbWords = []struct {
	verb             access.Verb
	english, chinese string
}{
	{access.Read, "read", "读取"}, {access.Search, "search", "检索"}, {access.Create, "create", "新建"}, {access.Update, "change", "修改"}, {access.Delete, "delete", "删除"},
}

// told puts a scope into words.
func told(text string) line {
	l := line{Scope: text, Optional: optional(text)}
	s, err := access.ParseScope(text)
	if err != nil {
		l.English, l.Chinese = plainWords[text].English, plainWords[text].Chinese
		return l
	}
	var english, chinese []string
	for _, w := range verbWords {
		if s.Verbs.Has(w.verb) {
			english, chinese = append(english, w.english), append(chinese, w.chinese)
		}
	}
	what, whatChinese := s.Type, s.Type
	if s.Type == "*" {
		what, whatChinese = "all data", "全部数据"
	}
	if s.Type == "Basic" {
		what, whatChinese = "Basic (also what the app keeps here for itself, which may become part of the health record)", "Basic（含应用自存数据，可能成为健康档案的一部分）"
	}
	for _, p := range s.Params {
		what += " with " + p.Name + " " + p.Value
		whatChinese += "，" + p.Name + " 为 " + p.Value
	}
	l.English = strings.Join(english, ", ") + " " + what + " " + whoseWords[s.For].English
	l.Chinese = strings.Join(chinese, "、") + " " + whatChinese + whoseWords[s.For].Chinese
	return l
}
