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
keys-these = هذه الاختصارات
role-agency = جهة
role-viewer = مُطّلع
role-operator = مشغّل
role-auditor = مدقّق
role-admin = مدير النظام
role-none = لم يُسجَّل الدخول

## المُدد والأوقات

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

## تسجيل الدخول

sign-in = تسجيل الدخول
sign-in-about = سجّل الدخول بمفتاحك. تحصل عليه من الجهة المشغّلة لهذا النظام.
sign-in-out = تم تسجيل الخروج.
sign-in-wrong = هذا المفتاح غير معتمد هنا، وربما أُلغي.
sign-in-wait = تكررت المحاولات الخاطئة. يمكنك المحاولة من جديد بعد { $what }.
key = المفتاح
session-over = انتهت جلستك
session-over-detail = انتهت جلستك. سجّل الدخول من جديد للمتابعة.

## حالات الجهات

glance = الجهات حسب الحالة
state-open = تعمل
state-paused = موقوفة مؤقتًا
state-circuit-open = لا تستجيب
state-throttled = طلبت التمهّل
state-window = خارج ساعات العمل
state-no-transport = بلا وسيلة نقل
state-unconfigured = خارج الإعدادات
why-paused = أوقفها { $by } قبل { $age }: { $reason }
why-circuit-open = لا تستجيب منذ { $age }، والمحاولة التالية بعد { $left }.
why-throttled = لا تستقبل شيئًا خلال المدة المتبقية: { $what }.
why-window = تُستأنف ساعات عملها بعد { $what }.
why-unconfigured = لم تعد ضمن الإعدادات، وما ينتظرها محفوظ.
why-no-transport = وسيلة النقل الخاصة بها غير متاحة في هذا النظام.
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
