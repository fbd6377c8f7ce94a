package api

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

const (
	consolePath  = "/console/"
	consoleIndex = "index.html"
	assetsFolder = "assets/" // the names of its files contain a digest of their content, so they may be cached for ever

	brotliSuffix = ".br"

	// noncePlace is the placeholder in index.html for the nonce of the answer. Vite writes it (html.cspNonce).
	noncePlace = "__CSP_NONCE__"
)

// consolePolicy is the Content-Security-Policy of the console: a page loads and calls this server only, and runs only our
// scripts.
const consolePolicy = "default-src 'none'; script-src 'self' 'nonce-" + noncePlace + "'; " +
	"style-src 'self' 'nonce-" + noncePlace + "'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// consolePermissions is the Permissions-Policy of the console: it turns off all features of the browser that the console does
// not use.
const consolePermissions = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), " +
	"geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), " +
	"picture-in-picture=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()"

// console holds the files of the web console in memory, so no path of a request reaches a file system.
type console struct {
	files map[string]consoleFile
	index []byte
}

type consoleFile struct {
	contentType string
	plain       []byte
	gzipped     []byte // nil if it would be no smaller
	brotli      []byte // nil if the build has written none (console/compress.plugin.ts)
}

func readConsole(files fs.FS) (*console, error) {
	k := &console{files: map[string]consoleFile{}}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("read file: %w", err)
		}
		k.files[name], err = newConsoleFile(name, content)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the console: %w", err)
	}
	k.takeBrotli()
	page, found := k.files[consoleIndex]
	if !found {
		return nil, errors.New("read the console: it has no " + consoleIndex)
	}
	k.index = page.plain
	delete(k.files, consoleIndex) // only sendIndex sends it, with a nonce in place of noncePlace
	return k, nil
}

// takeBrotli moves the content of each x.br to the file x.
func (k *console) takeBrotli() {
	for name, file := range k.files {
		if small, found := k.files[name+brotliSuffix]; found {
			file.brotli = small.plain
			k.files[name] = file
			delete(k.files, name+brotliSuffix)
		}
	}
}

func newConsoleFile(name string, content []byte) (consoleFile, error) {
	f := consoleFile{contentType: contentType(name), plain: content}
	if !isCompressible(f.contentType) {
		return f, nil
	}
	small, err := gzipped(content)
	if err != nil {
		return f, fmt.Errorf("compress %s: %w", name, err)
	}
	if len(small) < len(content) {
		f.gzipped = small
	}
	return f, nil
}

func gzipped(content []byte) ([]byte, error) {
	var small bytes.Buffer
	w := gzip.NewWriter(&small)
	_, err := w.Write(content)
	err = errors.Join(err, w.Close())
	return small.Bytes(), err
}

// contentType returns the media type of a file of the console. The table of package mime differs between machines.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".ico":
		return "image/x-icon"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	case ".png":
		return "image/png"
	case ".svg":
		return "image/svg+xml"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".webmanifest":
		return "application/manifest+json"
	case ".webp":
		return "image/webp"
	case ".woff2":
		return "font/woff2"
	default:
		return "application/octet-stream"
	}
}

func isCompressible(contentType string) bool {
	return strings.HasPrefix(contentType, "text/") || strings.HasSuffix(contentType, "json") ||
		strings.HasSuffix(contentType, "+xml")
}

// route serves the console. It has three patterns, because gin allows no catch-all beside /console/session.
func (k *console) route(r gin.IRoutes, s *server) {
	home := func(c *gin.Context) { c.Redirect(http.StatusFound, consolePath) }
	serve := func(c *gin.Context) { k.serve(c, s.noRoute) }
	routeGetAndHead(r, "/", home)
	routeGetAndHead(r, "/console", home)
	routeGetAndHead(r, "/console/", serve)
	routeGetAndHead(r, "/console/:page", serve)
	routeGetAndHead(r, "/console/:page/*rest", serve)
	r.HEAD(sessionPath, func(c *gin.Context) { // else /console/:page would match
		c.Header("Allow", "DELETE, GET, POST")
		s.noMethod(c)
	})
}

// serve answers with a file. For any other path it answers with index.html, whose script interprets the path.
func (k *console) serve(c *gin.Context, missing gin.HandlerFunc) {
	c.Header("X-Frame-Options", "DENY") // for browsers that do not support frame-ancestors
	c.Header("Referrer-Policy", "no-referrer")
	c.Header("Permissions-Policy", consolePermissions)
	c.Header("Cross-Origin-Opener-Policy", "same-origin")
	name := strings.TrimPrefix(c.Request.URL.Path, consolePath)
	file, found := k.files[name]
	asset := strings.HasPrefix(name, assetsFolder)
	switch {
	case found && asset:
		c.Header("Cache-Control", "public, max-age=31536000, immutable")
		file.send(c)
	case found:
		c.Header("Cache-Control", "public, max-age=3600")
		file.send(c)
	case asset:
		missing(c)
	default:
		k.sendIndex(c)
	}
}

// sendIndex sends index.html with a new random nonce. The page has no input of a user, so its compressed length reveals nothing.
func (k *console) sendIndex(c *gin.Context) {
	nonce := rand.Text()
	c.Header("Content-Security-Policy", strings.ReplaceAll(consolePolicy, noncePlace, nonce))
	filled := bytes.ReplaceAll(k.index, []byte(noncePlace), []byte(nonce))
	page := consoleFile{contentType: contentType(consoleIndex), plain: filled}
	page.gzipped, _ = gzipped(page.plain) // a bytes.Buffer does not fail
	page.send(c)
}

func (f consoleFile) send(c *gin.Context) {
	body := f.plain
	if f.gzipped != nil {
		c.Header("Vary", "Accept-Encoding")
		accepted := c.GetHeader("Accept-Encoding")
		switch {
		case f.brotli != nil && accepts(accepted, "br"):
			c.Header("Content-Encoding", "br")
			body = f.brotli
		case accepts(accepted, "gzip"):
			c.Header("Content-Encoding", "gzip")
			body = f.gzipped
		}
	}
	sendBody(c, f.contentType, body)
}

// sendBody sets Content-Length itself, because gin cannot derive it for a HEAD.
func sendBody(c *gin.Context, contentType string, body []byte) {
	c.Header("Content-Length", strconv.Itoa(len(body)))
	c.Data(http.StatusOK, contentType, body)
}

// accepts reports whether an Accept-Encoding header (RFC 9110, 12.5.3) names a coding. It ignores the wildcard *: browsers name
// what they accept.
func accepts(header, coding string) bool {
	for one := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(one, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		q, weighted := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		n, err := strconv.ParseFloat(q, 64)
		return !weighted || err == nil && n > 0
	}
	return false
}
