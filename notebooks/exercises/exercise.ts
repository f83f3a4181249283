/** What a question is to those who judge answers. */

/** What an exercise makes of an answer. */
export interface Verdict {
  right: boolean;
  /** Right: why it is so. Not right: a hint. */
  say: string;
}

/** A question's judge. */
export interface Exercise {
  /** "06.1": the chapter and the number of the exercise in it. */
  id: string;
  judge(answer: any): Verdict;
}
