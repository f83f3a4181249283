// Has Kubernetes' own code make environments and volumes; see record.mjs.
package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/fieldpath"
	"k8s.io/kubernetes/pkg/kubelet"
	"k8s.io/kubernetes/pkg/volume/configmap"
	volumeutil "k8s.io/kubernetes/pkg/volume/util"
	"sigs.k8s.io/yaml"
)

type volumes struct {
	ConfigMap v1.ConfigMap
	Changed   v1.ConfigMap
	Volumes   map[string]v1.ConfigMapVolumeSource
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func sceneOf(text string) kubelet.Scene {
	var scene kubelet.Scene
	for _, document := range strings.Split(text, "\n---\n") {
		var kind struct{ Kind string }
		bytes := []byte(document)
		if err := yaml.Unmarshal(bytes, &kind); err != nil {
			panic(err)
		}
		var err error
		switch kind.Kind {
		case "Service":
			scene.Services = append(scene.Services, v1.Service{})
			err = yaml.Unmarshal(bytes, &scene.Services[len(scene.Services)-1])
		case "ConfigMap":
			scene.ConfigMaps = append(scene.ConfigMaps, v1.ConfigMap{})
			err = yaml.Unmarshal(bytes, &scene.ConfigMaps[len(scene.ConfigMaps)-1])
		case "Secret":
			scene.Secrets = append(scene.Secrets, v1.Secret{})
			err = yaml.Unmarshal(bytes, &scene.Secrets[len(scene.Secrets)-1])
		case "Pod":
			scene.Pods = append(scene.Pods, v1.Pod{})
			err = yaml.Unmarshal(bytes, &scene.Pods[len(scene.Pods)-1])
		}
		if err != nil {
			panic(err)
		}
	}
	return scene
}

// listed tells of each file: "mode content" or "-> target"; the time in names is left out.
func listed(folder string) map[string]string {
	stamp := filepath.Base(must(os.Readlink(filepath.Join(folder, "..data"))))
	found := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		info := must(entry.Info())
		name := strings.ReplaceAll(strings.TrimPrefix(path, folder+"/"), stamp, "..TIME")
		switch {
		case entry.IsDir():
			found[name] = fmt.Sprintf("%o folder", info.Mode().Perm())
		case info.Mode()&fs.ModeSymlink != 0:
			found[name] = "-> " + strings.ReplaceAll(must(os.Readlink(path)), stamp, "..TIME")
		default:
			found[name] = fmt.Sprintf("%o %q", info.Mode().Perm(), must(os.ReadFile(path)))
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	return found
}

func written(all volumes) map[string][]map[string]string {
	found := map[string][]map[string]string{}
	for name, source := range all.Volumes {
		folder := must(os.MkdirTemp("", "stopover-volume"))
		defer os.RemoveAll(folder)
		writer := must(volumeutil.NewAtomicWriter(folder, "record"))
		optional := source.Optional != nil && *source.Optional
		for _, held := range []v1.ConfigMap{all.ConfigMap, all.Changed} {
			payload := must(configmap.MakePayload(source.Items, &held, source.DefaultMode, optional))
			if err := writer.Write(payload, nil); err != nil {
				panic(err)
			}
			found[name] = append(found[name], listed(folder))
		}
	}
	return found
}

func main() {
	var all volumes
	if err := json.Unmarshal(must(os.ReadFile(os.Args[2])), &all); err != nil {
		panic(err)
	}
	scene := sceneOf(string(must(os.ReadFile(os.Args[1]))))
	fields := map[string]string{}
	for _, path := range []string{"metadata.labels", "metadata.annotations", "metadata.name"} {
		fields[path] = must(fieldpath.ExtractFieldPathAsString(&scene.Pods[0], path))
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(map[string]any{
		"environments": must(scene.Environments()),
		"fields":       fields,
		"volumes":      written(all),
	})
	if err != nil {
		panic(err)
	}
}
