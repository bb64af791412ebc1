// SPDX-License-Identifier: Apache-2.0

package layer4

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// Transport translates what the code of tests sends to the API server and what
// it reads back, as far as that is about objects in layer-4 form.
type Transport struct {
	// Base does the requests.
	Base http.RoundTripper

	lock sync.Mutex
	// marked has the form of every object that was read alone, by the path of
	// its URL: a patch does not say which object it is for.
	marked map[string]Form
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(request.URL.Path, "/apis/"+group+"/") || request.URL.Query().Get("watch") != "" {
		return t.Base.RoundTrip(request)
	}
	request, err := t.translateRequest(request)
	if err != nil {
		return nil, err
	}
	response, err := t.Base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusNotFound {
		if request, response, err = t.ofOtherKind(request, response); err != nil {
			return nil, err
		}
	}
	return t.translateResponse(request, response)
}

// ofOtherKind asks for the TCPRoute where a test reads an HTTPRoute that is not
// there, since FS has made that of it.
func (t *Transport) ofOtherKind(request *http.Request, missing *http.Response) (*http.Request, *http.Response, error) {
	path := strings.Replace(request.URL.Path, "/httproutes/", "/tcproutes/", 1)
	if request.Method != http.MethodGet || path == request.URL.Path {
		return request, missing, nil
	}
	if err := missing.Body.Close(); err != nil {
		return nil, nil, err
	}
	other := request.Clone(request.Context())
	other.URL.Path = path
	response, err := t.Base.RoundTrip(other)
	return other, response, err
}

// translateRequest translates the listeners of a merge patch to an object in
// layer-4 form. Everything else that tests send comes from FS, or from what
// they have read.
func (t *Transport) translateRequest(request *http.Request) (*http.Request, error) {
	form, ok := t.formAt(request.URL.Path)
	if !ok || request.Method != http.MethodPatch || request.Body == nil {
		return request, nil
	}
	patch, err := readObject(request.Body)
	if err != nil {
		return nil, fmt.Errorf("patch of %s: %w", request.URL.Path, err)
	}
	if err := translateListeners(patch, form, portsOfGateway{}); err != nil {
		return nil, fmt.Errorf("patch of %s: %w", request.URL.Path, err)
	}
	body, err := json.Marshal(patch)
	if err != nil {
		return nil, fmt.Errorf("patch of %s: %w", request.URL.Path, err)
	}
	translated := request.Clone(request.Context())
	translated.Body = io.NopCloser(bytes.NewReader(body))
	translated.GetBody = nil
	translated.ContentLength = int64(len(body))
	return translated, nil
}

// translateResponse translates the statuses of the objects in a response.
func (t *Transport) translateResponse(request *http.Request, response *http.Response) (*http.Response, error) {
	if response.StatusCode >= http.StatusMultipleChoices ||
		!strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		return response, nil
	}
	object, err := readObject(response.Body)
	if err != nil {
		return nil, fmt.Errorf("answer to %s %s: %w", request.Method, request.URL.Path, err)
	}
	if items, ok := object["items"].([]any); ok {
		for _, item := range items {
			if item, ok := item.(map[string]any); ok {
				translateAnswer(item)
			}
		}
	} else if form, ok := translateAnswer(object); ok && request.Method == http.MethodGet {
		t.mark(request.URL.Path, form)
	}
	body, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("answer to %s %s: %w", request.Method, request.URL.Path, err)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	response.ContentLength = int64(len(body))
	response.Header.Del("Content-Length")
	return response, nil
}

func translateAnswer(object map[string]any) (Form, bool) {
	form, ok := formOf(object)
	if !ok {
		return form, false
	}
	if kind, isWord := object["kind"].(string); isWord {
		object["kind"] = form.answer(kind)
	}
	if object["status"] != nil {
		object["status"] = translateStatus(object["status"], form)
	}
	return form, true
}

func (t *Transport) formAt(path string) (Form, bool) {
	t.lock.Lock()
	defer t.lock.Unlock()
	form, ok := t.marked[path]
	return form, ok
}

func (t *Transport) mark(path string, form Form) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.marked == nil {
		t.marked = map[string]Form{}
	}
	t.marked[path] = form
}

// readObject reads a JSON object to its end, with whole numbers kept exact.
func readObject(body io.ReadCloser) (map[string]any, error) {
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	object := map[string]any{}
	err = utiljson.Unmarshal(data, &object)
	return object, err
}
