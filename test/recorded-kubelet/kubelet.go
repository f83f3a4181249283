// Added to a copy of package kubelet by record.mjs: a Kubelet of which nothing is there but what
// makeEnvironmentVariables asks.
package kubelet

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/kubelet/configmap"
	"k8s.io/kubernetes/pkg/kubelet/secret"
)

type Scene struct {
	Services   []v1.Service
	ConfigMaps []v1.ConfigMap
	Secrets    []v1.Secret
	Pods       []v1.Pod
}

// Environments by Pod: what makeEnvironmentVariables answers for the first container.
func (scene Scene) Environments() (map[string]map[string]string, error) {
	var objects []runtime.Object
	for i := range scene.ConfigMaps {
		objects = append(objects, &scene.ConfigMaps[i])
	}
	for i := range scene.Secrets {
		objects = append(objects, &scene.Secrets[i])
	}
	client := fake.NewSimpleClientset(objects...)
	byNamespace := cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
	services := cache.NewIndexer(cache.MetaNamespaceKeyFunc, byNamespace)
	for i := range scene.Services {
		if err := services.Add(&scene.Services[i]); err != nil {
			return nil, err
		}
	}
	nodes := cache.NewIndexer(cache.MetaNamespaceKeyFunc, byNamespace)
	if err := nodes.Add(&v1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "node-a"},
		Status: v1.NodeStatus{Allocatable: v1.ResourceList{
			v1.ResourceCPU:    resource.MustParse("4"),
			v1.ResourceMemory: resource.MustParse("16Gi"),
		}},
	}); err != nil {
		return nil, err
	}
	kl := &Kubelet{
		nodeName:         types.NodeName("node-a"),
		kubeClient:       client,
		serviceLister:    corelisters.NewServiceLister(services),
		serviceHasSynced: func() bool { return true },
		nodeLister:       corelisters.NewNodeLister(nodes),
		configMapManager: configmap.NewSimpleConfigMapManager(client),
		secretManager:    secret.NewSimpleSecretManager(client),
	}
	found := map[string]map[string]string{}
	for i := range scene.Pods {
		pod := &scene.Pods[i]
		all, err := kl.makeEnvironmentVariables(pod, &pod.Spec.Containers[0], "", nil, nil)
		if err != nil {
			return nil, err
		}
		environment := map[string]string{}
		for _, one := range all {
			environment[one.Name] = one.Value
		}
		found[pod.Namespace+"/"+pod.Name] = environment
	}
	return found, nil
}
