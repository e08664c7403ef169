### ما تقوله لوحة المتابعة بالعربية. لكل شاشة قسم، والمفاتيح هي نفسها في `en.ftl`.

## في كل مكان

name = فَلَج
skip = الانتقال إلى المحتوى
nav = التنقل
nav-overview = نظرة عامة
other-language = English
other-language-tag = en
theme = المظهر
theme-auto = حسب الجهاز
theme-light = فاتح
theme-dark = داكن
sign-out = تسجيل الخروج
close = إغلاق
to-overview = إلى النظرة العامة
leave-it = إبقاء الوضع كما هو
filter = تصفية
filter-off = إزالة هذه التصفية
filter-empty = لا نتائج مطابقة للتصفية.
filter-all = عرض الكل
rows-left-out =
    { $n ->
        [zero] جميع الصفوف معروضة.
        [one] صف واحد آخر غير معروض. استخدم التصفية للوصول إليه.
        [two] صفان آخران غير معروضين. استخدم التصفية للوصول إليهما.
        [few] { $n } صفوف أخرى غير معروضة. استخدم التصفية للوصول إليها.
        [many] { $n } صفًا آخر غير معروض. استخدم التصفية للوصول إليها.
       *[other] { $n } صف آخر غير معروض. استخدم التصفية للوصول إليها.
    }
or-more = { $n } أو أكثر
reason = السبب
reason-about = يُسجَّل السبب مقرونًا باسمك.
made-at = حتى
moved = تغيّر الترتيب.
moved-again = إعادة الترتيب
lost = انقطع الاتصال، وقد يكون المعروض قديمًا. تجري إعادة المحاولة.
keys = الاختصارات
keys-filter = إلى خانة التصفية
keys-rows = الصف التالي، الصف السابق
keys-again = إعادة التحميل
keys-language = اللغة الأخرى
keys-close = إغلاق القائمة المفتوحة
keys-these = هذه الاختصارات
keys-on = تفعيل الاختصارات ذات المفتاح الواحد
role-agency = جهة
role-viewer = مُطّلع
role-operator = مشغّل
role-auditor = مدقّق
role-admin = مدير النظام
role-none = لم يُسجَّل الدخول

## المُدد والأوقات
# قائمةً بذاتها: ساعتان. وبعد حرف جر أو مضافًا إليها (within): بعد ساعتين.

span-moment = أقل من دقيقة
span-minutes =
    { $n ->
        [zero] { $n } دقيقة
        [one] دقيقة
        [two] دقيقتان
        [few] { $n } دقائق
        [many] { $n } دقيقة
       *[other] { $n } دقيقة
    }
span-hours =
    { $n ->
        [zero] { $n } ساعة
        [one] ساعة
        [two] ساعتان
        [few] { $n } ساعات
        [many] { $n } ساعة
       *[other] { $n } ساعة
    }
span-days =
    { $n ->
        [zero] { $n } يوم
        [one] يوم
        [two] يومان
        [few] { $n } أيام
        [many] { $n } يومًا
       *[other] { $n } يوم
    }
span-minutes-within =
    { $n ->
        [zero] { $n } دقيقة
        [one] دقيقة
        [two] دقيقتين
        [few] { $n } دقائق
        [many] { $n } دقيقة
       *[other] { $n } دقيقة
    }
span-hours-within =
    { $n ->
        [zero] { $n } ساعة
        [one] ساعة
        [two] ساعتين
        [few] { $n } ساعات
        [many] { $n } ساعة
       *[other] { $n } ساعة
    }
span-days-within =
    { $n ->
        [zero] { $n } يوم
        [one] يوم
        [two] يومين
        [few] { $n } أيام
        [many] { $n } يومًا
       *[other] { $n } يوم
    }
span-two = { $first } و{ $second }
span-seconds = { $n } ث
span-milliseconds = { $n } م.ث
time-full = { $day } { $month } { $year }، { $time } UTC
month-1 = يناير
month-2 = فبراير
month-3 = مارس
month-4 = أبريل
month-5 = مايو
month-6 = يونيو
month-7 = يوليو
month-8 = أغسطس
month-9 = سبتمبر
month-10 = أكتوبر
month-11 = نوفمبر
month-12 = ديسمبر
month-of-year = { $month } { $year }

## تسجيل الدخول

sign-in = تسجيل الدخول
sign-in-about = سجّل الدخول بمفتاحك. تحصل عليه من الجهة المشغّلة لهذا النظام.
sign-in-out = تم تسجيل الخروج.
sign-in-wrong = هذا المفتاح غير معتمد هنا، وربما أُلغي.
sign-in-out-here = تم تسجيل خروجك من هنا. قد تبقى جلستك مفتوحة لدى جهة عملك؛ أغلق المتصفح إن كان غيرك يستخدم هذا الجهاز.
sign-in-provider = تسجيل الدخول بحساب جهة العمل
sign-in-anew = الدخول بحساب آخر
sign-in-or-key = أو سجّل الدخول بمفتاح. تحصل عليه من الجهة المشغّلة لهذا النظام.
leave = متابعة
leave-in-title = إلى صفحة الدخول الخاصة بجهة عملك
leave-in-detail = يجري نقلك إليها الآن. إذا لم يتم ذلك تلقائيًا فاضغط على «متابعة».
leave-out-title = تم تسجيل خروجك من فَلَج
leave-out-detail = يجري نقلك إلى صفحة الدخول الخاصة بجهة عملك لتسجيل خروجك منها أيضًا، وقد تطلب منك تأكيد ذلك.
trouble-denied-title = لم يكتمل تسجيل الدخول
trouble-denied-detail = لم تسمح جهة عملك بالدخول، أو ألغيت العملية بنفسك. حاول مرة أخرى، أو راجع الدعم الفني في جهة عملك.
trouble-no-role-title = ليس لك دور في هذا النظام
trouble-no-role-detail = تعرّفت جهة عملك عليك، لكن لا صلاحية لأي من مجموعاتك في استخدام هذه اللوحة. اطلب من الجهة المشغّلة لهذا النظام منح مجموعتك دورًا، أو ادخل بحساب آخر.
trouble-lost-title = تعذّر إكمال تسجيل الدخول
trouble-lost-detail = بدأت العملية قبل وقت طويل، أو في متصفح آخر، أو من عنوان آخر. ابدأ من جديد من هنا.
trouble-down-title = تعذّر الوصول إلى صفحة الدخول الخاصة بجهة عملك
trouble-down-detail = لا تستجيب الصفحة، أو لا تستجيب على النحو الصحيح. حاول لاحقًا، أو سجّل الدخول بمفتاح.
trouble-wrong-title = تعذّر استخدام صفحة الدخول الخاصة بجهة عملك
trouble-wrong-detail = تعذّر التحقق من ردّها، أو أنها غير مهيأة لهذا النظام. تجد الجهة المشغّلة السبب في سجل النظام. يمكنك الدخول بمفتاح.
trouble-busy-title = كثيرون يسجّلون الدخول في هذه اللحظة
trouble-busy-detail = حاول بعد قليل.
trouble-wait-title = تكررت المحاولات الخاطئة
trouble-wait-detail = حاول من جديد بعد بضع دقائق.
sign-in-wait = تكررت المحاولات الخاطئة. يمكنك المحاولة من جديد بعد { $what }.
key = المفتاح
session-over = انتهت جلستك
session-over-detail = انتهت جلستك. سجّل الدخول من جديد للمتابعة.

## حالات الجهات

glance = الجهات حسب الحالة
state-open = تعمل
state-paused = موقوفة مؤقتًا
state-draining = قيد التفريغ
state-drained = اكتمل تفريغها
state-circuit-open = لا تستجيب
state-misconfigured = خطأ في الإعداد
state-throttled = طلبت التمهّل
state-window = خارج ساعات العمل
state-no-transport = بلا وسيلة نقل
state-unconfigured = خارج الإعدادات
why-paused = أوقفها { $by } قبل { $age }: { $reason }
why-draining = { $n ->
    [zero] اكتمل التفريغ بطلب { $by }: { $reason }
    [one] بقيت عملية تسليم واحدة، وما قُبل بعدها ينتظر. التفريغ بطلب { $by }: { $reason }
    [two] بقيت عمليتا تسليم، وما قُبل بعدهما ينتظر. التفريغ بطلب { $by }: { $reason }
    [few] بقيت { $n } عمليات تسليم، وما قُبل بعدها ينتظر. التفريغ بطلب { $by }: { $reason }
    [many] بقيت { $n } عملية تسليم، وما قُبل بعدها ينتظر. التفريغ بطلب { $by }: { $reason }
   *[other] بقيت { $n } عملية تسليم، وما قُبل بعدها ينتظر. التفريغ بطلب { $by }: { $reason }
}
why-circuit-open = لا تستجيب منذ { $age }، والمحاولة التالية بعد { $left }.
why-misconfigured = { $fault }. محاولة الاختبار التالية بعد { $left }.
why-throttled = لا تستقبل شيئًا قبل انقضاء { $what }.
why-window = تُستأنف ساعات عملها بعد { $what }.
why-unconfigured = لم تعد ضمن الإعدادات، وما ينتظرها محفوظ.
why-no-transport = وسيلة النقل الخاصة بها غير متاحة في هذا النظام.
why-unconnected = تعذّر الوصول إليها منذ { $age }: { $fault }. يُستأنف التسليم تلقائيًا فور زوال السبب.
why-fetch =
    { $n ->
        [zero] تستلم ما يخصها بنفسها، ولا شيء ينتظرها.
        [one] تستلم ما يخصها بنفسها، وعملية تسليم واحدة تنتظرها.
        [two] تستلم ما يخصها بنفسها، وعمليتا تسليم تنتظرانها.
        [few] تستلم ما يخصها بنفسها، و{ $n } عمليات تسليم تنتظرها.
        [many] تستلم ما يخصها بنفسها، و{ $n } عملية تسليم تنتظرها.
       *[other] تستلم ما يخصها بنفسها، و{ $n } عملية تسليم تنتظرها.
    }
why-retry =
    { $n ->
        [zero] لا توجد عمليات تسليم متعثرة.
        [one] عملية تسليم واحدة تعثرت وستُعاد محاولتها.
        [two] عمليتا تسليم تعثرتا وستُعاد محاولتهما.
        [few] { $n } عمليات تسليم تعثرت وستُعاد محاولتها.
        [many] { $n } عملية تسليم تعثرت وستُعاد محاولتها.
       *[other] { $n } عملية تسليم تعثرت وستُعاد محاولتها.
    }
why-parked =
    { $n ->
        [zero] لا مسارات بانتظار المشغّل.
        [one] مسار واحد بانتظار تدخّل المشغّل.
        [two] مساران بانتظار تدخّل المشغّل.
        [few] { $n } مسارات بانتظار تدخّل المشغّل.
        [many] { $n } مسارًا بانتظار تدخّل المشغّل.
       *[other] { $n } مسار بانتظار تدخّل المشغّل.
    }

## النظرة العامة

overview-title = ما لم تُنجزه الجهات بعد
overview-filter = اسم الجهة أو معرّفها
overview-empty = لا توجد بعد جهة تستقبل شيئًا. تظهر الجهات هنا فور إضافة موصلاتها إلى الإعدادات.
col-agency = الجهة
col-state = الحالة
col-oldest = الأقدم
col-ready = جاهز
col-in-flight = قيد الإرسال
col-retry = إعادة محاولة
col-behind = ينتظر دوره
col-parked = مُعلَّق
col-dead = متروك
col-actions = الإجراءات
col-came = الوارد/دقيقة
col-went = المُسلَّم/دقيقة
col-success = النجاح
col-p95 = ٩٥٪ خلال
overview-spark =
    { $n ->
        [zero] لم تُسلَّم أي عملية خلال الساعة الأخيرة
        [one] عملية تسليم واحدة خلال الساعة الأخيرة
        [two] عمليتا تسليم خلال الساعة الأخيرة
        [few] { $n } عمليات تسليم خلال الساعة الأخيرة
        [many] { $n } عملية تسليم خلال الساعة الأخيرة
       *[other] { $n } عملية تسليم خلال الساعة الأخيرة
    }
total-agencies =
    { $n ->
        [zero] لا جهات
        [one] جهة واحدة
        [two] جهتان
        [few] { $n } جهات
        [many] { $n } جهة
       *[other] { $n } جهة
    }

## إيقاف جهة مؤقتًا واستئنافها

pause-title = إيقاف التسليم إلى { $what } مؤقتًا؟
pause-about = لن يُرسَل شيء إلى هذه الجهة حتى يُستأنف التسليم إليها. لا يضيع شيء: يبقى ما قُبل لها محفوظًا بترتيبه، ولا تُحتسب مدة الانتظار من عمر التسليم. أما ما يجري إرساله الآن فيُستكمل.
pause-do = إيقاف مؤقت
drain-title = تفريغ ما ينتظر { $what }؟
drain-about = يُرسَل ما قُبل لهذه الجهة حتى الآن. أما ما يُقبل بعد الآن فيبقى محفوظًا بترتيبه حتى يُستأنف التسليم إليها. يُستخدم قبل انتقال الجهة أو تغيير واجهتها.
drain-do = تفريغ
resume-title = استئناف التسليم إلى { $what }؟
resume-about = يُرسَل ما ينتظر بترتيبه وبالسرعة التي تستوعبها الجهة.
resume-do = استئناف
operate-waiting =
    { $n ->
        [0] لا شيء ينتظرها الآن.
        [zero] لا شيء ينتظرها الآن.
        [one] عملية تسليم واحدة تنتظرها الآن.
        [two] عمليتا تسليم تنتظرانها الآن.
        [few] { $n } عمليات تسليم تنتظرها الآن.
        [many] { $n } عملية تسليم تنتظرها الآن.
       *[other] { $n } عملية تسليم تنتظرها الآن.
    }

## كلمات التصفية والقوائم

all-agencies = جميع الجهات
all-types = جميع الأنواع
all-states = أي حالة
all-errors = أي خطأ
col-type = النوع
col-sender = المُرسِل
col-recipient = المستلِم
col-whole = المظروف إجمالًا
col-standing = إحدى عمليات تسليمه
col-error = الخطأ
col-attempts = المحاولات
col-accepted = وقت القبول
col-since = منذ
col-begun = بدأت
col-by = بواسطة
col-lane = المسار
col-head = المتسبب في التوقف
from = قُبل من
to = حتى
choose = اختيار
next-page = الصفحة التالية
back = رجوع
copy = نسخ
copied = نُسخ

## موضع عمليات التسليم

is-queued = في الانتظار
is-in-flight = قيد الإرسال
is-leased = لدى الجهة
is-retry = إعادة محاولة
is-behind = ينتظر دوره
is-parked = مُعلَّق
is-delivered = سُلِّم
is-dead = متروك
is-expired = منتهي الصلاحية
is-skipped = متخطّى
is-cancelled = ملغى
whole-open = مفتوح
whole-completed = مكتمل
whole-failures = مكتمل مع إخفاقات
outcome-applied = نُفِّذ
outcome-refused = رُفض
outcome-needs-action = يتطلب إجراءً
outcome-pending = النتيجة لاحقًا
outcome-unknown = لم ترد نتيجته
class-done = تم
class-message-fault = رُفضت الرسالة
class-configuration-fault = خطأ في الإعداد
class-gone = لم يعد المستقبِل موجودًا
class-throttle = طُلب التمهّل
class-endpoint-fault = لا استجابة سليمة
class-retry-asked = طُلبت إعادة المحاولة
class-none = لا خطأ مسجّل

## لماذا لم يُسلَّم

why-queued = في انتظار دوره.
why-unfetched = تستلم الجهة ما يخصها بنفسها، ولم تستلم هذا التسليم بعد.
why-in-flight = يجري إرساله الآن.
why-leased = استلمته الجهة، ولها أن تعالجه حتى { $at }.
why-again = أخفقت المحاولة الأخيرة: { $fault }. وستُعاد المحاولة في { $at }.
why-behind = ينتظر دوره بعد تسليم أسبق للموضوع نفسه لم يكتمل بعد.
why-behind-whom = عرض ذلك التسليم
why-parked-one =
    { $n ->
        [zero] أخفق التسليم، وهو بانتظار المشغّل منذ { $at }.
        [one] أخفقت المحاولة الوحيدة، وهو بانتظار المشغّل منذ { $at }.
        [two] أخفقت المحاولتان، وهو بانتظار المشغّل منذ { $at }.
        [few] أخفقت المحاولات كلها وعددها { $n }، وهو بانتظار المشغّل منذ { $at }.
        [many] أخفقت المحاولات كلها وعددها { $n }، وهو بانتظار المشغّل منذ { $at }.
       *[other] أخفقت المحاولات كلها وعددها { $n }، وهو بانتظار المشغّل منذ { $at }.
    }
why-drained = طلب { $by } تفريغ الجهة في { $at } قبل قبول هذا المظروف: { $reason }
why-held = أوقف { $by } التسليم إلى الجهة مؤقتًا في { $at }: { $reason }
why-cut-off = تعذّر الوصول إلى الجهة منذ { $since }: { $fault }. يُستأنف التسليم تلقائيًا فور زوال السبب.
why-silent = لا تستجيب الجهة منذ { $since }، وستُعاد محاولة الاتصال بها في { $at }.
why-asked-for-quiet = طلبت الجهة عدم الاتصال بها قبل { $at }.
why-closed = الوقت الحالي خارج ساعات عمل الجهة، وتُستأنف في { $at }.
why-delivered = سُلِّم في { $at }.
why-refused = سُلِّم في { $at }، ولن تنفذه الجهة.
why-needs-action = سُلِّم في { $at }، ويتطلب إجراءً من أحد موظفي الجهة أولًا.
why-pending = سُلِّم في { $at }، وستُبلغ الجهة بنتيجته لاحقًا.
why-unknown = سُلِّم في { $at }، ولم تُبلغ الجهة بنتيجته.
why-dead = تُرك في { $at } بواسطة { $by }: { $reason }
why-expired = انتهت صلاحيته في { $at } قبل أن تستلمه الجهة.
why-skipped = تخطّاه { $by } في { $at }: { $reason }
why-cancelled = ألغاه { $by } في { $at }: { $reason }

## التسليمات المتروكة

nav-dead-letters = المتروكة
dead-title = ما تُرك أو ينتظر التدخل
dead-about = مجمّعة بحسب ما تشترك فيه الأخطاء. افتح المجموعة لعرض عمليات التسليم فيها.
dead-empty = لا توجد عمليات تسليم متروكة أو مُعلَّقة.
dead-group = خطأ من نوع واحد
dead-overtaken = سُلِّم بعده تسليم أحدث للموضوع نفسه.
dead-choose-agency = اختر جهة لإعادة تسليم المعروض.
dead-redrive-all = إعادة تسليم كل المطابق
dead-redrive-chosen = إعادة تسليم المختار
act-redrive = إعادة تسليم

## عمليات إعادة التسليم

nav-redrives = إعادة التسليم
redrives-empty = لم تُجرَ أي إعادة تسليم بعد. تبدأ إعادة التسليم من صفحة
redrive = إعادة تسليم
replay = إعادة إرسال كاملة
redrive-of = إعادة التسليم إلى { $what }
replay-of = إعادة الإرسال الكاملة إلى { $what }
redrive-title = إعادة التسليم إلى { $what }؟
redrive-of-type = من النوع: { $what }.
redrive-would =
    { $n ->
        [zero] لا عمليات تسليم لإعادة محاولتها.
        [one] عملية تسليم ستُعاد محاولتها.
        [two] عمليتا تسليم ستُعاد محاولتهما.
        [few] عمليات تسليم ستُعاد محاولتها.
        [many] عملية تسليم ستُعاد محاولتها.
       *[other] عملية تسليم ستُعاد محاولتها.
    }
redrive-about = تُعاد محاولة المتروك بمعرّف webhook-id نفسه، فتتجاهله الجهة إن كان قد وصلها من قبل، وتُعاد محاولة المُعلَّق في الحال. ويُرسَل الأقدم قبل ما ينتظر. لم يُنفَّذ شيء بعد.
redrive-held = مستثنى
held-overtaken = سُلِّم بعده تسليم أحدث للموضوع نفسه، وإعادة إرساله ستستبدل بيانات أحدث.
held-in-flight = يجري إرساله، أو أنه لدى الجهة.
held-already-redriven = توجد محاولة أحدث له.
held-not-dead = ليس متروكًا ولا مُعلَّقًا.
held-slots-exhausted = أُعيد تسليم مظروفه أقصى عدد ممكن من المرات.
held-more =
    { $n ->
        [zero] لا غيرها.
        [one] وواحدة أخرى.
        [two] واثنتان أخريان.
        [few] و{ $n } أخرى.
        [many] و{ $n } أخرى.
       *[other] و{ $n } أخرى.
    }
redrive-rate = الحد الأقصى في الثانية
redrive-rate-about = اتركه فارغًا للإرسال بالسرعة التي تستوعبها الجهة.
redrive-force = بما في ذلك المستثنى لأن تسليمًا أحدث وصل بعده، وسيستبدل البيانات الأحدث.
redrive-do = بدء
redrive-eligible = المطلوب
redrive-made = بدأ
redrive-under-way = جارٍ
redrive-done = سُلِّم
redrive-failed = أخفق
redrive-through = المنجز
redrive-results = النتائج
redrive-results-empty = لم يبدأ شيء بعد، أو أُعيدت محاولة المُعلَّق في موضعه فحسب.
job-running = جارية
job-paused = موقوفة مؤقتًا
job-done = منتهية
job-cancelled = ملغاة
job-do-pause = إيقاف مؤقت
job-do-resume = متابعة
job-do-cancel = إلغاء
job-pause-title = إيقاف إعادة التسليم إلى { $what } مؤقتًا؟
job-pause-about = لن تبدأ عمليات تسليم أخرى حتى تُستأنف. وما بدأ منها يمضي في طريقه.
job-resume-title = متابعة إعادة التسليم إلى { $what }؟
job-resume-about = تُتابَع من حيث توقفت.
job-cancel-title = إلغاء إعادة التسليم إلى { $what }؟
job-cancel-about = لن تبدأ عمليات تسليم أخرى. وما بدأ منها يمضي في طريقه ويبقى. لا يمكن متابعتها بعد الإلغاء.

## الإجراءات على عملية تسليم

act-retry = إعادة المحاولة
act-skip = تخطٍّ
act-cancel = إلغاء
act-release = إفراج
delivery-retry-title = إعادة محاولة هذا التسليم الآن؟
delivery-retry-about = تُعاد المحاولة في الحال، ويبدأ احتساب المحاولات من جديد.
delivery-skip-title = تخطّي هذا التسليم؟
delivery-skip-about = لن تحصل عليه الجهة أبدًا، وتُبلَّغ بالفجوة مع التسليم التالي. ويمضي ما ينتظر دوره بعده. لا يمكن التراجع عن ذلك.
delivery-cancel-title = إلغاء هذا التسليم؟
delivery-cancel-about = يُسحب التسليم ولا تُبلَّغ الجهة بشيء. ويمضي ما ينتظر دوره بعده. لا يمكن التراجع عن ذلك.
delivery-release-title = الإفراج عما ينتظر بعد هذا التسليم؟
delivery-release-about = يصبح تسليمًا متروكًا يمكن إعادة تسليمه لاحقًا، وتُبلَّغ الجهة بالفجوة. ويمضي ما ينتظر دوره بعده، وقد تصل بيانات أحدث قبله.
delivery-not-now = لا تسمح حالة عملية التسليم الآن بهذا الإجراء.

## المسارات المتوقفة

nav-blocked = المتوقفة
blocked-title = موضوعات تنتظر التدخل
blocked-about = كل مسار هو عمليات تسليم موضوع واحد إلى جهة واحدة بترتيبها. استُنفدت محاولات أولها فأوقف ما بعده. تُسمّى المسارات برموز لا يُعرف منها صاحب الموضوع.
blocked-empty = لا مسارات متوقفة.
blocked-total =
    { $n ->
        [zero] لا مسارات متوقفة.
        [one] مسار واحد في المجموع.
        [two] مساران في المجموع.
        [few] { $n } مسارات في المجموع.
        [many] { $n } مسارًا في المجموع.
       *[other] { $n } مسار في المجموع.
    }
blocked-unordered = بلا ترتيب
blocked-retry-all = إعادة محاولة كل ما لهذه الجهة

## الجاري والمجدول

nav-schedule = الجدول
schedule-title = ما يجري الآن وما يحين موعده
schedule-due = إعادات المحاولة خلال ٢٤ ساعة
schedule-none = لا توجد إعادة محاولة مجدولة.
schedule-all = جميع الجهات
schedule-chart =
    { $n ->
        [zero] لا إعادات محاولة خلال ٢٤ ساعة
        [one] إعادة محاولة واحدة خلال ٢٤ ساعة، موزعة بالساعات
        [two] إعادتا محاولة خلال ٢٤ ساعة، موزعتان بالساعات
        [few] { $n } إعادات محاولة خلال ٢٤ ساعة، موزعة بالساعات
        [many] { $n } إعادة محاولة خلال ٢٤ ساعة، موزعة بالساعات
       *[other] { $n } إعادة محاولة خلال ٢٤ ساعة، موزعة بالساعات
    }
schedule-day-chart = بالساعات
schedule-now = الآن
schedule-one = ساعة
schedule-hours = ٢٤ ساعة
schedule-due-now = حان موعدها
schedule-hour = خلال ساعة
schedule-day = خلال ٢٤ ساعة
schedule-later = بعد ذلك
schedule-more = وأكثر مما أُحصي
schedule-running =
    { $n ->
        [0] لا عمليات تسليم جارية
        [zero] لا عمليات تسليم جارية
        [one] عملية تسليم واحدة جارية
        [two] عمليتا تسليم جاريتان
        [few] { $n } عمليات تسليم جارية
        [many] { $n } عملية تسليم جارية
       *[other] { $n } عملية تسليم جارية
    }
schedule-running-label = عمليات التسليم الجارية
schedule-running-none = لا يُرسَل شيء في هذه اللحظة.
schedule-lease-until = حتى

## مظروف واحد

way-accepted = قُبل
way-from = من { $what }
way-checked = طابق المخطط
way-routed = وُجِّه إلى
way-agencies =
    { $n ->
        [0] لا جهة
        [zero] لا جهة
        [one] جهة واحدة
        [two] جهتين
        [few] { $n } جهات
        [many] { $n } جهة
       *[other] { $n } جهة
    }
fact-id = المظروف
fact-source = المصدر
fact-event-id = معرّفه لدى المصدر
fact-subject = الموضوع
fact-correlation = معرّف الربط
fact-time = وقت الحدث
fact-bytes = حجم البيانات بالبايت
envelope-nobody = لا جهة مشتركة في هذا النوع، فاكتمل المظروف فور قبوله.
branch-behind =
    { $n ->
        [zero] لا شيء ينتظر دوره بعده.
        [one] تسليم واحد ينتظر دوره بعده.
        [two] تسليمان ينتظران دورهما بعده.
        [few] { $n } عمليات تسليم تنتظر دورها بعده.
        [many] { $n } عملية تسليم تنتظر دورها بعده.
       *[other] { $n } عملية تسليم تنتظر دورها بعده.
    }
branch-reason = السبب
branch-reference = المرجع
branch-redriven = أُعيد تسليمه
branch-disclosed = ما أُفصح عنه وأساسه القانوني
branch-purpose = الغرض
branch-basis = الأساس القانوني
branch-fields = الحقول
branch-delivery = التسليم
attempt-free = (غير محتسبة)
curl-status = الاستعلام عن حالته من سطر الأوامر
curl-delivery = الطلب المرسل إلى الجهة، بلا سرّها
payload-show = عرض المحتوى
payload-hide = إخفاؤه
payload-title = عرض محتوى هذا المظروف؟
payload-title-shown = المحتوى
payload-about-whole = يتضمن بيانات شخصية. يُسجَّل اطلاعك وسببه قبل عرضه.
payload-about-own = سترى ما تستلمه جهتك منه. يُسجَّل اطلاعك وسببه.
payload-recorded = سُجّل اطلاعك على هذا المحتوى.
payload-extent = النطاق
payload-whole = كما أُرسل
payload-own = ما تستلمه جهتك
payload-cut = لم يُعرض الباقي.
payload-answers = ما ردّت به الجهات

## البحث

nav-find = البحث
find-title = البحث عن مظروف
find-box = المظروف أو التسليم أو معرّف الربط أو الموضوع، أو المصدر والمعرّف معًا
find-about = يكفي أي معرّف له. لا يُحفظ ما تكتبه ولا يظهر في عنوان الصفحة.
find-nothing = لا شيء مما يمكنك الاطلاع عليه بهذا الاسم.
find-marked = بالاسم الذي كتبته
find-notices = مع إشعارات النظام نفسه
find-empty = لا مظاريف مطابقة.
find-all =
    { $n ->
        [zero] لا مظاريف
        [one] مظروف واحد
        [two] مظروفان
        [few] { $n } مظاريف
        [many] { $n } مظروفًا
       *[other] { $n } مظروف
    }
find-some =
    { $n ->
        [zero] لا مظاريف في هذه الصفحة.
        [one] مظروف واحد في هذه الصفحة، وقد يكون هناك غيره.
        [two] مظروفان في هذه الصفحة، الأحدث أولًا، وقد يكون هناك غيرهما.
        [few] { $n } مظاريف في هذه الصفحة، الأحدث أولًا، وقد يكون هناك غيرها.
        [many] { $n } مظروفًا في هذه الصفحة، الأحدث أولًا، وقد يكون هناك غيرها.
       *[other] { $n } مظروف في هذه الصفحة، الأحدث أولًا، وقد يكون هناك غيرها.
    }
find-further = لا نتائج فيما فُحص، وهناك مظاريف أقدم.
find-more = يُفحص بضعة آلاف من المظاريف لكل صفحة.

## الجهة الواحدة

range-hour = ساعة
range-day = يوم
range-week = أسبوع
agency-waiting = في الانتظار
agency-sends-only = هذه الجهة مُرسِلة فقط، ولا يُسلَّم إليها شيء.
outlook-nothing = لا شيء في الانتظار.
outlook-held = لا يُرسَل إليها شيء حاليًا، فلا يمكن تقدير موعد الانتهاء مما ينتظر.
outlook-still = لم يخرج شيء من قائمة الانتظار خلال ربع الساعة الأخير، فلا وتيرة يُقاس عليها.
outlook-unknown = مدة الرصد غير كافية لتقدير موعد الانتهاء مما ينتظر.
outlook-about = وفق وتيرة ربع الساعة الأخير، يُنتهى مما ينتظر الآن خلال { $about } تقريبًا، والأرجح أن يستغرق بين { $low } و{ $high }.
outlook-vague = وفق وتيرة ربع الساعة الأخير، يُنتهى مما ينتظر الآن خلال { $about } تقريبًا، ولا يقل ذلك عن { $low }، وقد يطول كثيرًا لأن الوتيرة شديدة التفاوت.
past-title = ما جرى
past-empty = لم يُرصد شيء خلال هذه المدة.
past-rate = عمليات التسليم في الدقيقة
past-rate-hour = عمليات التسليم في الدقيقة خلال الساعة الأخيرة: أعلى ما ورد { $came } وأعلى ما سُلِّم { $delivered }.
past-rate-day = عمليات التسليم في الدقيقة خلال اليوم الأخير: أعلى ما ورد { $came } وأعلى ما سُلِّم { $delivered }.
past-rate-week = عمليات التسليم في الدقيقة خلال الأسبوع الأخير: أعلى ما ورد { $came } وأعلى ما سُلِّم { $delivered }.
past-durations = المدة من القبول إلى التسليم
past-durations-hour = المدة من القبول إلى التسليم خلال الساعة الأخيرة: { $half } على الأكثر لنصف العمليات، و{ $most } لخمس وتسعين من كل مئة.
past-durations-day = المدة من القبول إلى التسليم خلال اليوم الأخير: { $half } على الأكثر لنصف العمليات، و{ $most } لخمس وتسعين من كل مئة.
past-durations-week = المدة من القبول إلى التسليم خلال الأسبوع الأخير: { $half } على الأكثر لنصف العمليات، و{ $most } لخمس وتسعين من كل مئة.
past-faults = المحاولات المخفقة
past-faults-hour =
    { $n ->
        [0] لم تُخفق أي محاولة خلال الساعة الأخيرة.
        [zero] لم تُخفق أي محاولة خلال الساعة الأخيرة.
        [one] أخفقت محاولة واحدة خلال الساعة الأخيرة.
        [two] أخفقت محاولتان خلال الساعة الأخيرة.
        [few] أخفقت { $n } محاولات خلال الساعة الأخيرة، موزعة حسب النوع.
        [many] أخفقت { $n } محاولة خلال الساعة الأخيرة، موزعة حسب النوع.
       *[other] أخفقت { $n } محاولة خلال الساعة الأخيرة، موزعة حسب النوع.
    }
past-faults-day =
    { $n ->
        [0] لم تُخفق أي محاولة خلال اليوم الأخير.
        [zero] لم تُخفق أي محاولة خلال اليوم الأخير.
        [one] أخفقت محاولة واحدة خلال اليوم الأخير.
        [two] أخفقت محاولتان خلال اليوم الأخير.
        [few] أخفقت { $n } محاولات خلال اليوم الأخير، موزعة حسب النوع.
        [many] أخفقت { $n } محاولة خلال اليوم الأخير، موزعة حسب النوع.
       *[other] أخفقت { $n } محاولة خلال اليوم الأخير، موزعة حسب النوع.
    }
past-faults-week =
    { $n ->
        [0] لم تُخفق أي محاولة خلال الأسبوع الأخير.
        [zero] لم تُخفق أي محاولة خلال الأسبوع الأخير.
        [one] أخفقت محاولة واحدة خلال الأسبوع الأخير.
        [two] أخفقت محاولتان خلال الأسبوع الأخير.
        [few] أخفقت { $n } محاولات خلال الأسبوع الأخير، موزعة حسب النوع.
        [many] أخفقت { $n } محاولة خلال الأسبوع الأخير، موزعة حسب النوع.
       *[other] أخفقت { $n } محاولة خلال الأسبوع الأخير، موزعة حسب النوع.
    }
past-queue = قائمة الانتظار
past-queue-hour = أكبر عدد انتظر خلال الساعة الأخيرة: { $n }.
past-queue-day = أكبر عدد انتظر خلال اليوم الأخير: { $n }.
past-queue-week = أكبر عدد انتظر خلال الأسبوع الأخير: { $n }.
past-sent = المظاريف المرسلة منها
past-came = الوارد
past-delivered = المُسلَّم
past-otherwise = انتهى بغير ذلك
past-waiting = في الانتظار
past-success = المحاولات الناجحة
past-took = سُلِّم ٩٥ من كل ١٠٠ خلال
past-attempt-took = تمت ٩٥ من كل ١٠٠ محاولة خلال
past-open = انقطاع الاستجابة
past-p50 = النصف خلال
past-p95 = ٩٥٪ خلال
past-p99 = ٩٩٪ خلال
past-cut = الجهة لا تستجيب
past-gap = بلا رصد
past-table = الأرقام في جدول
past-from = من
past-idle = لا تُعرض الفترات التي لم يحدث فيها شيء.
backlog-title = المنتظر بحسب النوع
backlog-more = العدد الفعلي أكبر مما أُحصي.
events-title = الاستجابة والأوامر
events-none = لم تنقطع استجابتها، ولم يوقفها أحد أو يفرّغها.
event-opened = انقطعت الاستجابة: { $fault }. أول محاولة اختبار في { $at }.
event-closed = نجحت محاولة الاختبار وعادت الاستجابة.
event-gone = لم يعد المستقبِل لدى الجهة موجودًا، فأوقفها فَلَج مؤقتًا.
event-paused = أوقفها { $by } مؤقتًا: { $reason }
event-draining = بدأ { $by } تفريغها: { $reason }
event-drained = انتهى التفريغ ولم يبق منه شيء.
event-resumed = استأنف { $by } التسليم إليها: { $reason }
last-title = آخر المحاولات
last-none = لم تُجرَ أي محاولة منذ بدء تشغيل النظام.
last-about = منذ بدء تشغيل النظام، والأحدث أولًا.
reach-title = طريقة الوصول إليها
reach-transport = وسيلة النقل
transport-webhook = يُرسِل فَلَج إليها
transport-pull = تستلم بنفسها
transport-amqp = قائمتها لدى الوسيط
reach-url = العنوان
reach-timeout = مهلة الرد
reach-in-flight = الحد الأقصى في آن واحد
reach-rate = المعدل
reach-rate-value = { $pace } في الثانية، و{ $burst } دفعة واحدة
reach-no-rate = بالسرعة التي تستوعبها
reach-lease = مهلة معالجة ما استلمته
reach-age = أقصى مدة للمحاولة
reach-window = ساعات الخدمة
reach-always = على مدار الساعة
reach-holidays = أيام الإغلاق:
day-sun = الأحد
day-mon = الاثنين
day-tue = الثلاثاء
day-wed = الأربعاء
day-thu = الخميس
day-fri = الجمعة
day-sat = السبت
list-and = ،{" "}
wishes-title = ما تستقبله وسنده القانوني
wish-everything = كل الحقول
wish-ordered = بالترتيب لكل موضوع
wish-unordered = من غير ترتيب
wish-filter = بشرط في
form-structured = حدث CloudEvents واحد
form-binary = البيانات وخصائصها في الترويسات
form-map = بحقول الجهة
form-template = بقالب الجهة
subject-clear = الموضوع صريح
subject-pseudonym = الموضوع برمز مستعار
subject-omit = من غير الموضوع
exhausted-park = ينتظر المشغّل بعد استنفاد المحاولات
exhausted-dead = يُترك بعد استنفاد المحاولات
publishes-title = ما يجوز لها إرساله
trial-do = تجربة
trial-title = تجربة الخدمة بمظروف نموذجي: { $what }
trial-about = تُعرض أولًا النتيجة المتوقعة: من سيستقبل النموذج وأي حقول منه. لا يُحفظ شيء ولا يُبلَّغ أحد.
trial-from = من
trial-nobody = لن يستقبله أحد.
trial-would =
    { $n ->
        [zero] لن تستقبله أي جهة.
        [one] ستستقبله جهة واحدة.
        [two] ستستقبله جهتان.
        [few] ستستقبله { $n } جهات.
        [many] ستستقبله { $n } جهة.
       *[other] ستستقبله { $n } جهة.
    }
trial-withheld = المحجوب:
trial-others = جهات مشتركة لن تستقبله
trial-real = الإرسال فعلي: يصل النموذج إلى كل جهة مذكورة بوصفه مظروفًا منك بمعرّف جديد، ولا يمكن استرجاعه.
trial-send = إرسال النموذج
trial-only = يتيح مفتاحك التجربة دون الإرسال.

## الخدمات

nav-services = الخدمات
services-title = الخدمات
services-month = الشهر
services-show = عرض
services-goes-on = لم ينته بعد
services-csv = ملف CSV
services-open-csv = البيانات المفتوحة CSV
services-open-json = البيانات المفتوحة JSON
services-transactions = المعاملات
services-change = التغيّر
services-success = النجاح
services-time = متوسط المدة
services-level = المستوى
services-level-n = المستوى { $n }
services-no-level = بلا مستوى
services-levels = بحسب مستوى النضج
services-services = الخدمات
services-rank = الترتيب
services-service = الخدمة
services-owner = الجهة المسؤولة
services-new = جديدة
services-rose =
    { $n ->
        [zero] لم يتغير ترتيبها
        [one] تقدمت مرتبة واحدة
        [two] تقدمت مرتبتين
        [few] تقدمت { $n } مراتب
        [many] تقدمت { $n } مرتبة
       *[other] تقدمت { $n } مرتبة
    }
services-fell =
    { $n ->
        [zero] لم يتغير ترتيبها
        [one] تراجعت مرتبة واحدة
        [two] تراجعت مرتبتين
        [few] تراجعت { $n } مراتب
        [many] تراجعت { $n } مرتبة
       *[other] تراجعت { $n } مرتبة
    }
services-days =
    { $n ->
        [zero] لا معاملات خلال الشهر
        [one] معاملة واحدة خلال الشهر، موزعة على أيامه
        [two] معاملتان خلال الشهر، موزعتان على أيامه
        [few] { $n } معاملات خلال الشهر، موزعة على أيامه
        [many] { $n } معاملة خلال الشهر، موزعة على أيامه
       *[other] { $n } معاملة خلال الشهر، موزعة على أيامه
    }
services-empty = لا خدمات موصوفة في الإعدادات.
services-about = المعاملة هي مظروف اكتمل خلال الشهر. النجاح: أدت كل جهة ما عليها. متوسط المدة: من القبول إلى الاكتمال للمعاملات الناجحة. تُقارن الأشهر بعد انتهائها.
service-all = جميع الخدمات
service-other-name = بالإنجليزية
service-subject-required = إلزامي
service-subject-optional = اختياري
service-recipients =
    { $n ->
        [0] لا تستقبلها أي جهة
        [zero] لا تستقبلها أي جهة
        [one] تستقبلها جهة واحدة
        [two] تستقبلها جهتان
        [few] تستقبلها { $n } جهات
        [many] تستقبلها { $n } جهة
       *[other] تستقبلها { $n } جهة
    }
service-schema = المخطط
service-schema-show = عرض المخطط
service-sample = عرض مظروف نموذجي
service-year-title = الأشهر الاثنا عشر الأخيرة
service-year =
    { $n ->
        [zero] لا معاملات خلال اثني عشر شهرًا
        [one] معاملة واحدة خلال اثني عشر شهرًا، موزعة على الأشهر
        [two] معاملتان خلال اثني عشر شهرًا، موزعتان على الأشهر
        [few] { $n } معاملات خلال اثني عشر شهرًا، موزعة على الأشهر
        [many] { $n } معاملة خلال اثني عشر شهرًا، موزعة على الأشهر
       *[other] { $n } معاملة خلال اثني عشر شهرًا، موزعة على الأشهر
    }

## سجل التدقيق

nav-audit = التدقيق
audit-title = من فعل ماذا ولماذا
audit-about = كل ما أجراه الأشخاص على النظام أو اطّلعوا عليه فيه، مع السبب الذي ذكروه. لا يمكن تغيير شيء هنا.
audit-empty = لم يُجرِ أحد شيئًا بعد.
audit-further = لا نتائج فيما فُحص، وهناك قيود أقدم.
audit-more = يُفحص بضعة آلاف من القيود لكل صفحة.
audit-when = الوقت
audit-since = أُجري من
audit-did = الإجراء
audit-anything = أي إجراء
audit-target = محل الإجراء
audit-only = هذا فقط
audit-change = قبل الإجراء وبعده
audit-from-to = { $before } ← { $after }
audit-made =
    { $n ->
        [0] لا شيء إلى { $what }
        [zero] لا شيء إلى { $what }
        [one] عملية تسليم واحدة إلى { $what }
        [two] عمليتا تسليم إلى { $what }
        [few] { $n } عمليات تسليم إلى { $what }
        [many] { $n } عملية تسليم إلى { $what }
       *[other] { $n } عملية تسليم إلى { $what }
    }
audit-whole = المحتوى كاملًا
audit-own = الجزء الذي تستقبله الجهة
audit-sent = أُرسِل
did-pause = إيقاف مؤقت
did-drain = تفريغ
did-resume = استئناف
did-retry = إعادة محاولة
did-skip = تخطٍّ
did-cancel = إلغاء
did-release = إفراج
did-redrive = إعادة تسليم
did-replay = إعادة إرسال كاملة
did-redrive-pause = إيقاف إعادة تسليم مؤقتًا
did-redrive-resume = متابعة إعادة تسليم
did-redrive-cancel = إلغاء إعادة تسليم
did-payload = اطلاع على محتوى
did-test-envelope = إرسال مظروف تجريبي

## النظام

nav-system = النظام
system-ledger = السجل
system-accepting = يقبل المظاريف
system-disk-low = لا يقبل: المساحة الحرة على القرص قليلة
system-poisoned = لا يقبل: تعذّر الحفظ في السجل
system-closed = لا يقبل: السجل مغلق
system-free = المساحة الحرة على القرص
system-floor = يتوقف القبول دون
system-store = حجم السجل
system-wal = منه ما لم يُدمج بعد
system-queue = بانتظار الكتابة
system-of = من { $n }
system-commits = زمن الحفظ على القرص خلال الدقائق العشر الأخيرة
system-no-commits = لم يُحفظ شيء خلال الدقائق العشر الأخيرة.
system-longest = الأطول
system-commit-count = مرات الحفظ
system-shared = العمليات في المرة
system-deployment = الإعدادات
system-in-force = سارية
system-refused = رُفض التعديل الأخير
system-problems =
    { $n ->
        [zero] رُفضت إعدادات معدّلة، والسابقة هي السارية والعمل مستمر.
        [one] رُفضت إعدادات معدّلة لمشكلة واحدة، والسابقة هي السارية والعمل مستمر.
        [two] رُفضت إعدادات معدّلة لمشكلتين، والسابقة هي السارية والعمل مستمر.
        [few] رُفضت إعدادات معدّلة بسبب { $n } مشكلات، والسابقة هي السارية والعمل مستمر.
        [many] رُفضت إعدادات معدّلة بسبب { $n } مشكلة، والسابقة هي السارية والعمل مستمر.
       *[other] رُفضت إعدادات معدّلة بسبب { $n } مشكلة، والسابقة هي السارية والعمل مستمر.
    }
system-problems-title = سبب رفض الإعدادات المعدّلة
system-problems-more =
    { $n ->
        [zero] لا مشكلات أخرى.
        [one] مشكلة أخرى غير معروضة.
        [two] مشكلتان أخريان غير معروضتين.
        [few] { $n } مشكلات أخرى غير معروضة.
        [many] { $n } مشكلة أخرى غير معروضة.
       *[other] { $n } مشكلة أخرى غير معروضة.
    }
system-revision = المراجعة
system-since = سارية منذ
system-agencies = الجهات
system-types = الأنواع
system-broker = وسيط الرسائل RabbitMQ
system-no-broker = لا وسيط رسائل في الإعدادات، والجهات التي تستخدم AMQP في الانتظار.
broker-publish = إلى قوائم الجهات
broker-consume = من الجهات
link-connecting = جارٍ الاتصال
link-connected = متصل
link-blocked = لا يقبل رسائل أخرى
link-refused = يرفض المستخدم
link-unreachable = لا يمكن الوصول إليه
link-tls = تعذّر التشفير
link-mismatched = قائمة مختلفة الإعداد
link-missing = قائمة غير موجودة
link-closed = مغلق
system-program = البرنامج
system-version = الإصدار
system-engine = محرك السجل
system-machine = الجهاز
system-began = يعمل منذ
system-memory = الذاكرة
system-files = الملفات المفتوحة
system-sessions = المسجلون حاليًا
system-all-time = عمليات التسليم منذ بدء السجل
system-unfinished = غير مكتملة
system-config = إعدادات التشغيل السارية
system-config-about = لا تُعرض الأسرار ولا كلمات المرور أبدًا. المعلَّم منها يختلف عن القيمة الافتراضية.
system-changed = معدَّل
bytes-b = { $n } بايت
bytes-kib = { $n } كيلوبايت
bytes-mib = { $n } ميغابايت
bytes-gib = { $n } غيغابايت
bytes-tib = { $n } تيرابايت
