package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// TLS is that of the doors themselves; without it something in front ends it.
type TLS struct {
	Cert    string `help:"File with certificate and chain (PEM); with it the doors speak TLS only. A file that changes is read anew while serving." env:"TENON_TLS_CERT" type:"path"`
	Key     string `help:"File with the private key (PEM) of the certificate." env:"TENON_TLS_KEY" type:"path"`
	Clients string `help:"File with certificates (PEM) of authorities for certificates of clients: system doors (/adapters) then demand one; elsewhere one that is shown must be theirs." env:"TENON_TLS_CLIENTS" type:"path"`
}

func (t *TLS) validate() error {
	if err := paired("tls", t.Cert, t.Key); err != nil {
		return err
	}
	if t.Clients != "" && t.Cert == "" {
		return errors.New("tls-clients: certificates of clients need TLS: give tls-cert and tls-key")
	}
	return nil
}

// secured wraps the listener where TLS is asked for.
func (a *App) secured(l net.Listener) (net.Listener, error) {
	if a.Config.TLS.Cert == "" {
		return l, nil
	}
	r := &reloading{files: a.Config.TLS}
	if _, err := r.settings(); err != nil {
		return nil, err
	}
	return tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c, err := r.settings()
		if err != nil {
			a.log.Error("the certificate on disk cannot be used; the one before it stays", "error", err)
		}
		return c, nil
	}}), nil
}

// reloadAfter is how long settings are used before the files are looked at.
const reloadAfter = time.Second

// reloading keeps the settings of the files as they are on disk. Files that cannot
// be used leave the settings before them in force.
type reloading struct {
	files TLS

	mu     sync.Mutex
	looked time.Time
	stamp  string
	now    *tls.Config
}

func (r *reloading) settings() (*tls.Config, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now != nil && time.Since(r.looked) < reloadAfter {
		return r.now, nil
	}
	r.looked = time.Now()
	stamp := ""
	for _, name := range []string{r.files.Cert, r.files.Key, r.files.Clients} {
		if info, err := os.Stat(name); name != "" && err == nil {
			stamp += fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size(), ";")
		}
	}
	if r.now != nil && stamp == r.stamp {
		return r.now, nil
	}
	made, err := r.files.load()
	if err != nil {
		return r.now, err
	}
	r.now, r.stamp = made, stamp
	return made, nil
}

func (t *TLS) load() (*tls.Config, error) {
	pairs, err := pairIn("tls", t.Cert, t.Key)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, Certificates: pairs}
	if c.ClientCAs, err = poolIn("tls-clients", t.Clients); err != nil {
		return nil, err
	}
	if c.ClientCAs != nil {
		c.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return c, nil
}

// certified lets only clients with a certificate of our authorities through, where
// there are any.
func (a *App) certified(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s := c.Request().TLS; a.Config.TLS.Clients != "" && (s == nil || len(s.VerifiedChains) == 0) {
			return c.String(http.StatusForbidden, "This door needs a certificate of the client. 此接口要求客户端证书。\n")
		}
		return next(c)
	}
}

// strict sets what browsers are told on every door; a door may say more.
func (a *App) strict(c echo.Context) {
	h := c.Response().Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if c.IsTLS() || strings.HasPrefix(a.Config.BaseURL, "https://") {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}
