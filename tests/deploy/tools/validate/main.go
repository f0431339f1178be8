// validate FILE reads Kubernetes manifests as the API server would: strictly into the types of its API, of the version
// that go.mod pins. An unknown kind, an unknown or repeated field, or a value of another type is an error.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

func run(path string) (int, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewYAMLReader(bufio.NewReader(file))
	for count := 0; ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return count, nil
		} else if err != nil {
			return count, err
		}
		if isEmpty(document) {
			continue
		}
		if _, kind, err := decoder.Decode(document, nil, nil); err != nil {
			return count, fmt.Errorf("%v: %w", kind, err)
		}
		count++
	}
}

// Whether there are only comments in it.
func isEmpty(document []byte) bool {
	var object map[string]any
	return yaml.Unmarshal(document, &object) == nil && len(object) == 0
}

func main() {
	count, err := run(os.Args[1])
	if err != nil {
		if runtime.IsStrictDecodingError(err) {
			fmt.Fprintln(os.Stderr, "fields that are not so:")
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(count)
}
