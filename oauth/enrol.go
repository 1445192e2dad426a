package oauth

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rsc.io/qr"
)

// enrolLife is how long a new secret on the page may be confirmed.
const enrolLife = 10 * time.Minute

// recently asks for a person who has just shown who it is, with the second factor
// where there is one: else whoever finds an open browser could enrol his own.
func (s *Server) recently(w http.ResponseWriter, r *http.Request) *Session {
	return s.recentlyFor(w, r, r.URL.Path)
}

// recentlyFor goes on to another page of ours where the person has to sign in first.
func (s *Server) recentlyFor(w http.ResponseWriter, r *http.Request, local string) *Session {
	fresh := s.Provider.StepUp.Fresh
	if fresh <= 0 {
		fresh = freshDefault
	}
	seconds := int(fresh / time.Second)
	need := pending{MaxAge: &seconds, Local: local}
	x, err := s.cookieSession(r)
	has := false
	if err == nil && x != nil {
		has, err = s.enrolled(r.Context(), x.Principal)
	}
	if err != nil {
		s.broken(w, r, err)
		return nil
	}
	if has {
		need.ACR = []string{ACRMulti}
	}
	found, _ := s.visitor(w, r, need)
	return found
}

// enrolPage shows a new secret, as an image and as text. It becomes the person's
// once a code of it was shown.
func (s *Server) enrolPage(w http.ResponseWriter, r *http.Request) {
	x := s.recently(w, r)
	if x == nil {
		return
	}
	secret, err := s.factorSecret()
	var sealed string
	if err == nil {
		sealed, err = s.sealEnrolment(x, secret)
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.showEnrolment(w, r, x, http.StatusOK, secret, sealed, false)
}

func (s *Server) showEnrolment(w http.ResponseWriter, r *http.Request, x *Session, status int, secret []byte, sealed string, wrong bool) {
	address := factorAddress(secret, x.Principal)
	drawing, err := drawQR(address)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	u, err := url.Parse(address)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.page(w, status, "enrol", map[string]any{"Guard": s.accountGuard(x), "Sealed": sealed, "QR": drawing, "Secret": inFours(u.Query().Get("secret")), "Wrong": wrong})
}

// enrol takes the code that shows that the person's app has the secret.
func (s *Server) enrol(w http.ResponseWriter, r *http.Request) {
	x, _ := s.mine(w, r)
	if x == nil {
		return
	}
	if again := s.recently(w, r); again == nil {
		return
	}
	sealed := r.PostForm.Get("sealed")
	secret, ok := s.openEnrolment(x, sealed)
	if !ok {
		s.wrong(w, r, "The page has expired: open it anew.", "页面已过期，请重新打开。")
		return
	}
	step, ok := s.stepOf(secret, r.PostForm.Get("code"))
	if !ok {
		s.showEnrolment(w, r, x, http.StatusUnprocessableEntity, secret, sealed, true)
		return
	}
	recovery, err := s.keepFactor(r.Context(), x.Principal, secret)
	if err == nil {
		_, err = s.store.UseStep(r.Context(), s.Tenant, x.Principal, step)
	}
	if err == nil {
		err = s.Audit(r.Context(), Event{Operation: "enrol-second-factor", Principal: x.Principal, Outcome: http.StatusOK})
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.page(w, http.StatusOK, "enrolled", map[string]any{"Recovery": recovery})
}

// sealEnrolment is the secret for the form alone: of this session and hour.
func (s *Server) sealEnrolment(x *Session, secret []byte) (string, error) {
	plain := binary.BigEndian.AppendUint64(nil, uint64(s.clock().Add(enrolLife).Unix())) //nolint:gosec // after 1970
	sealed, err := s.seal("enrolment\x00"+x.ID, append(plain, secret...))
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

func (s *Server) openEnrolment(x *Session, text string) ([]byte, bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, false
	}
	plain, err := s.unseal("enrolment\x00"+x.ID, sealed)
	if err != nil || len(plain) != 8+factorBytes || s.clock().Unix() > int64(binary.BigEndian.Uint64(plain)) { //nolint:gosec // our own
		return nil, false
	}
	return plain[8:], true
}

// drawQR is a QR code as SVG: a page of ours loads no images and runs no script.
func drawQR(text string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("oauth: QR: %w", err)
	}
	const quiet = 4 // modules of white around it, as ISO/IEC 18004 demands
	var path strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	size := code.Size + 2*quiet
	return template.HTML(fmt.Sprintf(`<svg class="qr" role="img" aria-label="QR" viewBox="0 0 %d %d" width="240" height="240" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`, //nolint:gosec // digits alone
		size, size, size, size, path.String())), nil
}

func inFours(text string) string {
	var out []string
	for len(text) > 4 {
		out, text = append(out, text[:4]), text[4:]
	}
	return strings.Join(append(out, text), " ")
}
