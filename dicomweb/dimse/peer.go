package dimse

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Permissions of a peer. C-ECHO is open to all peers.
const (
	MayStore    = "store"    // C-STORE to us
	MayFind     = "find"     // C-FIND
	MayRetrieve = "retrieve" // C-MOVE and C-GET
	MayReceive  = "receive"  // be the destination of a C-MOVE, or of what we send
	MayCommit   = "commit"   // Storage Commitment
	MayProvide  = "provide"  // be asked by us for studies
)

var permissions = []string{MayStore, MayFind, MayRetrieve, MayReceive, MayCommit, MayProvide}

// Peer is an application entity that is known here.
type Peer struct {
	Title     string   `json:"title"`             // calling AE title
	Principal string   `json:"principal"`         // whom it acts for: PractitionerRole/x or Device/x
	Allow     []string `json:"allow,omitempty"`   // permissions; none but C-ECHO where empty
	Address   string   `json:"address,omitempty"` // host:port where it listens, or ""
	TLS       bool     `json:"tls,omitempty"`     // it is called over TLS
	// Web is the root of its DICOMweb services, which are asked in the place of
	// DIMSE; Token is the bearer token that they want, or "".
	Web   string `json:"web,omitempty"`
	Token string `json:"token,omitempty"`
	// From are the addresses and networks that it calls from; Certificate is the
	// SHA-256 of its certificate in hexadecimal. One of them must be given, since
	// a title proves nothing; where both are, both must hold.
	From        []string  `json:"from,omitempty"`
	Certificate string    `json:"certificate,omitempty"`
	Created     time.Time `json:"created"`
}

// Peers are the registered application entities.
type Peers interface {
	// Peer finds one by its title; nil: there is none.
	Peer(ctx context.Context, title string) (*Peer, error)
}

// Check names what is wrong with a registration.
func (p *Peer) Check() error {
	switch {
	case !ValidTitle(p.Title):
		return fmt.Errorf("title: %q is no AE title: 1 to 16 printable characters of ASCII, no backslash", p.Title)
	case p.Principal == "":
		return fmt.Errorf("principal: say whom %s acts for, e.g. Device/scanner", p.Title)
	case p.Web != "" && p.Address != "":
		return fmt.Errorf("web: %s is called by DICOMweb or by DIMSE, not by both", p.Title)
	case p.Token != "" && p.Web == "":
		return fmt.Errorf("token: it is for a DICOMweb peer")
	case p.Web != "" && !slices.ContainsFunc(p.Allow, func(a string) bool { return a != MayReceive && a != MayProvide }) && len(p.From) == 0 && p.Certificate == "":
		// it never calls
	case len(p.From) == 0 && p.Certificate == "":
		return fmt.Errorf("from: name the networks that %s calls from, or its certificate; a title alone proves nothing", p.Title)
	}
	for _, a := range p.Allow {
		if !slices.Contains(permissions, a) {
			return fmt.Errorf("allow: %q is none of %s", a, strings.Join(permissions, ", "))
		}
	}
	for _, f := range p.From {
		if _, err := network(f); err != nil {
			return fmt.Errorf("from: %q is neither an address nor a network such as 10.1.0.0/16", f)
		}
	}
	if b, err := hex.DecodeString(p.Certificate); err != nil || p.Certificate != "" && len(b) != sha256.Size {
		return fmt.Errorf("certificate: the SHA-256 of it is expected, 64 hexadecimal digits")
	}
	if p.Address != "" {
		if host, port, err := net.SplitHostPort(p.Address); err != nil || host == "" || port == "" {
			return fmt.Errorf("address: %q is not host:port", p.Address)
		}
	}
	return nil
}

// ValidTitle tells whether a text is an AE title (PS3.5 §6.2, AE).
func ValidTitle(s string) bool {
	if s == "" || len(s) > titleLength || strings.TrimSpace(s) != s {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' })
}

func network(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	return netip.ParsePrefix(s)
}

// May tells whether a peer, or nil, has a permission and can be called.
func (p *Peer) May(permission string) bool {
	return p != nil && (p.Address != "" || p.Web != "") && p.may(permission)
}

// may tells whether the peer has a permission.
func (p *Peer) may(permission string) bool { return slices.Contains(p.Allow, permission) }

// proven tells whether a connection comes from where, and with what, the
// registration says.
func (p *Peer) proven(conn net.Conn) bool {
	if len(p.From) == 0 && p.Certificate == "" {
		return false
	}
	return (len(p.From) == 0 || p.near(conn.RemoteAddr())) && (p.Certificate == "" || p.certified(conn))
}

func (p *Peer) near(addr net.Addr) bool {
	at, err := netip.ParseAddrPort(addr.String())
	return err == nil && slices.ContainsFunc(p.From, func(f string) bool {
		n, err := network(f)
		return err == nil && n.Contains(at.Addr().Unmap())
	})
}

func (p *Peer) certified(conn net.Conn) bool {
	t, ok := conn.(*tls.Conn)
	if !ok {
		return false
	}
	list := t.ConnectionState().PeerCertificates
	if len(list) == 0 {
		return false
	}
	sum := sha256.Sum256(list[0].Raw)
	return strings.EqualFold(hex.EncodeToString(sum[:]), p.Certificate)
}
