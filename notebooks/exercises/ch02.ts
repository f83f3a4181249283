import type { Exercise } from "./exercise.js";
import { hint, isNumber, isText, letter, right } from "./answers.js";

export const ch02: Exercise[] = [
  {
    id: "02.1",
    judge(answer) {
      if (isText(answer, "api server", "kube-apiserver", "apiserver"))
        return right(
          "The API server's allocator, inside the create request. It is part of no controller: it must be finished when the create is answered.",
        );
      if (isText(answer, "etcd", "the store"))
        return hint("The store keeps what it is given. Who gives it?");
      if (isText(answer, "kube-proxy"))
        return hint(
          "kube-proxy reads the number out of the Service. It was there before kube-proxy heard of it.",
        );
      if (
        isText(
          answer,
          "kube-controller-manager",
          "kcm",
          "controller manager",
          "service controller",
          "cloud-controller-manager",
          "ccm",
        )
      )
        return hint(
          "That is what the article says. Look at the calls that had been made when the number was already there.",
        );
      return hint("Who had touched the object when it was first printed with the number in it?");
    },
  },
  {
    id: "02.2",
    judge(answer) {
      switch (letter(answer)) {
        case "d":
          return right(
            "News comes out of the store: there is none before the write. Everything else is a question of who is quicker.",
          );
        case "a":
          return hint("Both watch on their own. Does one wait for the other?");
        case "b":
          return hint("Look at the table of moments again: which came first there?");
        case "c":
          return hint(
            "Imagine a Service whose Pods do not exist yet, or are not ready. Does the service controller look at endpoints?",
          );
        default:
          return hint("Answer with one of the letters a, b, c and d.");
      }
    },
  },
  {
    id: "02.3",
    judge(answer) {
      if (isNumber(answer, 0))
        return right(
          "What would change nothing is not written: no revision, no news, nobody wakes up. That is why apply may be repeated as often as you like.",
        );
      if (isNumber(answer, 1)) return hint("Compare resourceVersion before and after.");
      return hint(
        "Count the entries in history() that have a revision of their own, or compare the Service's resourceVersion before and after.",
      );
    },
  },
  {
    id: "02.4",
    judge(answer) {
      const text = String((answer as { message?: string })?.message ?? answer);
      if (/metadata\.name/.test(text) && /invalid value|DNS-1035|must be no more than/i.test(text))
        return right(
          "A Service's name becomes a DNS name, so it must look like a label of one: small letters, digits and hyphens, beginning with a letter.",
        );
      if (/already exists/i.test(text))
        return hint(
          "That name was refused because it is taken. Find one that could never be a name.",
        );
      if (/must be|invalid|unknown field/i.test(text))
        return hint(
          `That message is about another field: "${text.slice(0, 90)}". Change metadata.name only.`,
        );
      return hint(
        "Hand in error.message of an apply that failed. Which characters may a DNS name not have?",
      );
    },
  },
];
