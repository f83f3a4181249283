// Writes Kubernetes' API description, as far as Stopover uses it, as one JSON document: for each kind its names, scope, sub-resources
// and the columns of kubectl's tables; for each type its fields, their types, list keys, and whether Go has a pointer there;
// and for each struct its fields' numbers in Protocol Buffers.
// No descriptions: those are Stopover's own. How to run it stands in README.md beside this file.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/admission/install"
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	_ "k8s.io/kubernetes/pkg/apis/apiserverinternal/install"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/authentication/install"
	_ "k8s.io/kubernetes/pkg/apis/authorization/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/certificates/install"
	_ "k8s.io/kubernetes/pkg/apis/coordination/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	_ "k8s.io/kubernetes/pkg/apis/events/install"
	_ "k8s.io/kubernetes/pkg/apis/extensions/install"
	_ "k8s.io/kubernetes/pkg/apis/flowcontrol/install"
	_ "k8s.io/kubernetes/pkg/apis/imagepolicy/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/node/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	_ "k8s.io/kubernetes/pkg/apis/resource/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
	_ "k8s.io/kubernetes/pkg/apis/storagemigration/install"
	"k8s.io/kubernetes/pkg/generated/openapi"
	"k8s.io/kubernetes/pkg/printers/internalversion"
)

type property struct {
	Ref                  string    `json:"$ref"`
	Type                 string    `json:"type"`
	Format               string    `json:"format"`
	Items                *property `json:"items"`
	AdditionalProperties *property `json:"additionalProperties"`
	ListType             string    `json:"x-kubernetes-list-type"`
	MapKeys              []string  `json:"x-kubernetes-list-map-keys"`
	MergeKey             string    `json:"x-kubernetes-patch-merge-key"`
	Strategy             string    `json:"x-kubernetes-patch-strategy"`
}

type definition struct {
	Required   []string            `json:"required"`
	Properties map[string]property `json:"properties"`
	Type       string              `json:"type"`
	Format     string              `json:"format"`
	GVK        []struct {
		Group, Version, Kind string
	} `json:"x-kubernetes-group-version-kind"`
}

type column struct {
	Name, Type, Format string
	Priority           int32
}

type kind struct {
	Group        string   `json:"group"`
	Version      string   `json:"version"`
	Kind         string   `json:"kind"`
	Plural       string   `json:"plural"`
	Singular     string   `json:"singular"`
	ShortNames   []string `json:"shortNames,omitempty"`
	Categories   []string `json:"categories,omitempty"`
	Namespaced   bool     `json:"namespaced"`
	Subresources []string `json:"subresources,omitempty"`
	Type         string   `json:"type"`
	Columns      []string `json:"columns,omitempty"`
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(path string, into any) {
	text, err := os.ReadFile(path)
	must(err)
	must(json.Unmarshal(text, into))
}

// The columns of each internal type, as the printers register them.
type columns map[reflect.Type][]metav1.TableColumnDefinition

func (found columns) TableHandler(definitions []metav1.TableColumnDefinition, print any) error {
	found[reflect.TypeOf(print).In(0)] = definitions
	return nil
}

// Go's fields by their JSON names, those of embedded structs included.
func goFields(t reflect.Type, into map[string]reflect.StructField) (order []string) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := 0; i < t.NumField(); i++ {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" && (field.Anonymous || strings.Contains(options, "inline")) {
			embedded := field.Type
			if embedded.Kind() == reflect.Pointer {
				embedded = embedded.Elem()
			}
			order = append(order, goFields(embedded, into)...)
		} else if name != "" && name != "-" {
			into[name] = field
			order = append(order, name)
		}
	}
	return order
}

// "io.k8s.api.core.v1.PodSpec" for k8s.io/api/core/v1.PodSpec
func definitionName(t reflect.Type) string {
	parts := strings.Split(t.PkgPath(), "/")
	host := strings.Split(parts[0], ".")
	for i, j := 0, len(host)-1; i < j; i, j = i+1, j-1 {
		host[i], host[j] = host[j], host[i]
	}
	return strings.Join(append(host, parts[1:]...), ".") + "." + t.Name()
}

// All struct types that a type holds.
func collect(t reflect.Type, into map[string]reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		collect(t.Elem(), into)
	case reflect.Struct:
		name := definitionName(t)
		if _, seen := into[name]; seen {
			return
		}
		into[name] = t
		for i := 0; i < t.NumField(); i++ {
			collect(t.Field(i).Type, into)
		}
	}
}

// A field's type in the table's words.
func typeOf(p property, definitions map[string]definition) string {
	switch {
	case p.Ref != "":
		name := strings.TrimPrefix(p.Ref, "#/definitions/")
		if strings.HasSuffix(name, "resource.Quantity") {
			return "quantity"
		}
		if strings.HasSuffix(name, "intstr.IntOrString") {
			return "intOrString"
		}
		target := definitions[name]
		if target.Format == "date-time" {
			return "time"
		}
		if len(target.Properties) == 0 && strings.HasSuffix(name, "FieldsV1") || target.Type != "object" {
			return "any"
		}
		return name
	case p.Type == "array":
		return "[]" + typeOf(*p.Items, definitions)
	case p.Type == "object" && p.AdditionalProperties != nil:
		return "map<" + typeOf(*p.AdditionalProperties, definitions) + ">"
	case p.Type == "integer" && p.Format == "int64":
		return "int64"
	case p.Type == "integer":
		return "int"
	case p.Type == "boolean":
		return "bool"
	case p.Type == "number":
		return "number"
	case p.Type == "string" && p.Format == "date-time":
		return "time"
	case p.Type == "string":
		return "string"
	}
	return "any"
}

// name!? *?type@key#keys; see the table that write.mjs makes of it
func line(name string, p property, required bool, field reflect.StructField, definitions map[string]definition) string {
	text := name
	if required {
		text += "!"
	}
	pointer := ""
	if field.Type != nil && field.Type.Kind() == reflect.Pointer {
		pointer = "*"
	}
	text += " " + pointer + typeOf(p, definitions)
	if strings.Contains(p.Strategy, "merge") {
		text += "@" + p.MergeKey
	}
	if p.ListType == "map" || p.ListType == "set" {
		text += "#" + strings.Join(p.MapKeys, ",")
	}
	return text
}

// How a field's value stands in Protocol Buffers, in the words of the table that write.mjs makes. Some types have a form of their own
// there. (k8s.io/apimachinery: generated.proto of api/resource, apis/meta/v1, runtime, util/intstr)
var ownForm = map[string]string{
	"Time": "time", "MicroTime": "microTime", "Duration": "duration", "Quantity": "quantity", "IntOrString": "intOrString",
	"RawExtension": "raw", "FieldsV1": "raw", "ExtraValue": "items", "JSON": "raw",
	"JSONSchemaPropsOrBool": "schemaOrBool", "JSONSchemaPropsOrArray": "schemaOrSchemas", "JSONSchemaPropsOrStringArray": "schemaOrTexts",
}

func wireForm(t reflect.Type) string {
	if form, known := ownForm[t.Name()]; known {
		return form
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + wireForm(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + wireForm(t.Elem())
	case reflect.Map:
		return "{}" + wireForm(t.Elem())
	case reflect.Struct:
		return definitionName(t)
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Float64:
		return "double"
	}
	return "int"
}

// name=number:form of each field; "." for one whose fields JSON has among those of the struct itself
func message(t reflect.Type) []string {
	fields := []string{}
	for i := 0; i < t.NumField(); i++ {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		parts := strings.Split(field.Tag.Get("protobuf"), ",")
		if len(parts) < 2 || name == "-" {
			continue
		}
		if name == "" {
			name = "."
		}
		fields = append(fields, name+"="+parts[1]+":"+wireForm(field.Type))
	}
	return fields
}

// field=text,text of each field that takes one of some texts, by the type's name. The published description leaves them out.
func enumerations() map[string][]string {
	found := map[string][]string{}
	reference := func(path string) spec.Ref { return spec.MustCreateRef(path) }
	for name, definition := range openapi.GetOpenAPIDefinitions(reference) {
		for field, p := range definition.Schema.Properties {
			texts := p.Enum
			if p.Items != nil && p.Items.Schema != nil {
				texts = p.Items.Schema.Enum
			}
			if len(texts) > 0 {
				found[name] = append(found[name], field+"="+strings.Trim(strings.Join(strings.Fields(fmt.Sprint(texts)), ","), "[]"))
			}
		}
		sort.Strings(found[name])
	}
	return found
}

// The names in Go's order; those that Go does not have (swagger.json alone knows them) come last.
func inOrder(properties map[string]property, order []string) []string {
	var names, others []string
	known := map[string]bool{}
	for _, name := range order {
		if _, exists := properties[name]; exists && !known[name] {
			names = append(names, name)
			known[name] = true
		}
	}
	for name := range properties {
		if !known[name] {
			others = append(others, name)
		}
	}
	sort.Strings(others)
	return append(names, others...)
}

func main() {
	if len(os.Args) != 2 {
		must(fmt.Errorf("which folder holds the module k8s.io/kubernetes?"))
	}
	description := filepath.Join(os.Args[1], "api")
	var swagger struct {
		Definitions map[string]definition `json:"definitions"`
	}
	read(filepath.Join(description, "openapi-spec", "swagger.json"), &swagger)

	structs := map[string]reflect.Type{}
	for _, t := range scheme.Scheme.AllKnownTypes() {
		collect(t, structs)
	}
	collect(reflect.TypeOf(apiextensionsv1.CustomResourceDefinition{}), structs)
	messages := map[string][]string{}
	for name, t := range structs {
		messages[name] = message(t)
	}
	types := map[string][]string{}
	byGVK := map[schema.GroupVersionKind]string{}
	for name, def := range swagger.Definitions {
		for _, gvk := range def.GVK {
			byGVK[schema.GroupVersionKind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind}] = name
		}
		fields := map[string]reflect.StructField{}
		var order []string
		if t, known := structs[name]; known {
			order = goFields(t, fields)
		}
		required := map[string]bool{}
		for _, one := range def.Required {
			required[one] = true
		}
		for _, one := range inOrder(def.Properties, order) {
			types[name] = append(types[name], line(one, def.Properties[one], required[one], fields[one], swagger.Definitions))
		}
	}

	found := columns{}
	internalversion.AddHandlers(found)
	var kinds []kind
	files, err := filepath.Glob(filepath.Join(description, "discovery", "api*__v[0-9]*.json"))
	must(err)
	grouped, err := filepath.Glob(filepath.Join(description, "discovery", "apis__*__v[0-9]*.json"))
	must(err)
	seen := map[string]bool{}
	for _, file := range append(files, grouped...) {
		if seen[file] {
			continue
		}
		seen[file] = true
		var list metav1.APIResourceList
		read(file, &list)
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		must(err)
		own := map[string]*kind{}
		var order []string
		for _, resource := range list.APIResources {
			plural, sub, nested := strings.Cut(resource.Name, "/")
			if nested {
				if own[plural] != nil {
					own[plural].Subresources = append(own[plural].Subresources, sub)
				}
				continue
			}
			gvk := version.WithKind(resource.Kind)
			one := &kind{
				Group: version.Group, Version: version.Version, Kind: resource.Kind, Plural: plural, Singular: resource.SingularName,
				ShortNames: resource.ShortNames, Categories: resource.Categories, Namespaced: resource.Namespaced, Type: byGVK[gvk],
			}
			internal, err := legacyscheme.Scheme.New(schema.GroupVersionKind{Group: version.Group, Version: "__internal", Kind: resource.Kind})
			if err == nil {
				for _, definition := range found[reflect.TypeOf(internal)] {
					text := definition.Name
					if definition.Priority > 0 {
						text = "+" + text
					}
					if definition.Type != "string" {
						text += ":" + definition.Type
					}
					one.Columns = append(one.Columns, text)
				}
			}
			own[plural] = one
			order = append(order, plural)
		}
		for _, plural := range order {
			kinds = append(kinds, *own[plural])
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	must(encoder.Encode(map[string]any{"kinds": kinds, "types": types, "messages": messages, "enums": enumerations()}))
}
