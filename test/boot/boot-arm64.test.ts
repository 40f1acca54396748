import { bootStory } from './story.ts'

bootStory('arm64', 128)
